-- An example: the mail server's own tables, for a host that has none yet. They
-- are what views-default.sql and doveconf.d/example-sql-auth.conf expect. If
-- you have a mail host, you have such tables, under other names perhaps, and do
-- not need this file.
--
--   mariadb mail < example-mail-tables.sql

SET NAMES utf8mb4;

CREATE TABLE IF NOT EXISTS domain (
	id INT UNSIGNED NOT NULL AUTO_INCREMENT,
	domain VARCHAR(253) NOT NULL
		COMMENT 'Lower case',
	PRIMARY KEY (id),
	UNIQUE KEY domain (domain)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
	COMMENT='Domains this host has mailboxes of';

CREATE TABLE IF NOT EXISTS users (
	id INT UNSIGNED NOT NULL AUTO_INCREMENT,
	domain_id INT UNSIGNED NOT NULL,
	email VARCHAR(254) NOT NULL
		COMMENT 'The whole address, lower case',
	crypt VARCHAR(255) NOT NULL
		COMMENT 'Hash of the password, with its {SCHEME} in front',
	quota BIGINT UNSIGNED NOT NULL DEFAULT 0
		COMMENT 'Bytes, for rules of your own',
	active BOOLEAN NOT NULL DEFAULT TRUE
		COMMENT 'False: nobody can log in; mail still comes in',
	PRIMARY KEY (id),
	UNIQUE KEY email (email),
	KEY domain_email (domain_id, email)
		COMMENT 'The mailboxes of a domain, page by page',
	CONSTRAINT users_domain FOREIGN KEY (domain_id) REFERENCES domain (id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
	COMMENT='Mailboxes';

CREATE TABLE IF NOT EXISTS alias (
	id INT UNSIGNED NOT NULL AUTO_INCREMENT,
	domain_id INT UNSIGNED NOT NULL,
	source VARCHAR(254) NOT NULL
		COMMENT 'Mail to this address ...',
	destination VARCHAR(254) NOT NULL
		COMMENT '... goes to this one',
	PRIMARY KEY (id),
	KEY source (source),
	KEY destination (destination)
		COMMENT 'How many aliases has a mailbox? The portal asks',
	CONSTRAINT alias_domain FOREIGN KEY (domain_id) REFERENCES domain (id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
	COMMENT='Other addresses of mailboxes';
