-- pymailadmin's own tables. Load into the database that holds the mail
-- server's tables, as an administrator of that database:
--
--   mariadb mail < 0001-initial.sql
--   mariadb mail < views-default.sql      (first adapt it, if your tables differ)
--   mariadb mail < grants-plugin.sql
--   mariadb mail < grants-web.sql         (only with the portal)
--
-- Loading a file twice is harmless. Files are numbered and only go forward.
--
-- All times are UTC, written by UTC_TIMESTAMP(): the database's clock is the
-- only one. Programs exchange them as seconds since the epoch with
-- TIMESTAMPDIFF(SECOND, '1970-01-01 00:00:00', column), never through the
-- session's time zone.
--
-- Addresses compare without regard to case, but with regard to accents and to
-- trailing spaces.

SET NAMES utf8mb4;

CREATE TABLE IF NOT EXISTS pymailadmin_schema_version (
	version INT UNSIGNED NOT NULL
		COMMENT 'Number of the SQL file',
	description VARCHAR(100) NOT NULL
		COMMENT 'What the file brought',
	applied_at DATETIME NOT NULL DEFAULT (UTC_TIMESTAMP())
		COMMENT 'When it was loaded first, UTC',
	PRIMARY KEY (version) COMMENT 'Each file counts once'
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
	COLLATE utf8mb4_uca1400_nopad_as_ci
	COMMENT='Which numbered SQL files have been loaded';

CREATE TABLE IF NOT EXISTS pymailadmin_account (
	id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT
		COMMENT 'Never used again for another account',
	email VARCHAR(254) NOT NULL
		COMMENT 'Where the portal writes to, and the log-in name',
	password VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
		COMMENT 'Hash of the portal''s password, not of a mailbox''s',
	role ENUM('user', 'admin', 'super_admin') NOT NULL DEFAULT 'user'
		COMMENT 'admin: moderates; super_admin: sees all. Set by hand',
	language VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
		DEFAULT 'en'
		COMMENT 'Of pages and mails',
	active BOOLEAN NOT NULL DEFAULT TRUE
		COMMENT 'False: cannot log in, sessions are not honoured',
	created_at DATETIME NOT NULL DEFAULT (UTC_TIMESTAMP())
		COMMENT 'UTC',
	password_changed_at DATETIME NOT NULL DEFAULT (UTC_TIMESTAMP())
		COMMENT 'UTC; older sessions are not honoured',
	PRIMARY KEY (id) COMMENT 'What other tables refer to',
	UNIQUE KEY email (email)
		COMMENT 'Log-in; one account per e-mail address',
	CONSTRAINT account_email_length
		CHECK (CHAR_LENGTH(email) BETWEEN 3 AND 254),
	CONSTRAINT account_password_length
		CHECK (LENGTH(password) BETWEEN 20 AND 255),
	CONSTRAINT account_language_length
		CHECK (LENGTH(language) BETWEEN 2 AND 8)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
	COLLATE utf8mb4_uca1400_nopad_as_ci
	COMMENT='People who log in to the portal; not mailboxes';

CREATE TABLE IF NOT EXISTS pymailadmin_session (
	id_hash BINARY(32) NOT NULL
		COMMENT 'SHA-256 of the cookie: who reads this cannot use it',
	account_id BIGINT UNSIGNED NOT NULL
		COMMENT 'There are no sessions before log-in',
	csrf_key BINARY(32) NOT NULL
		COMMENT 'What the tokens of this session''s forms derive from',
	created_at DATETIME NOT NULL DEFAULT (UTC_TIMESTAMP())
		COMMENT 'UTC',
	seen_at DATETIME NOT NULL DEFAULT (UTC_TIMESTAMP())
		COMMENT 'UTC, of the last request, coarse',
	expires_at DATETIME NOT NULL
		COMMENT 'UTC, whatever is done with it until then',
	PRIMARY KEY (id_hash) COMMENT 'Looked up by each request',
	KEY account_id (account_id) COMMENT 'End all sessions of an account',
	KEY expires_at (expires_at) COMMENT 'Housekeeping',
	CONSTRAINT session_account FOREIGN KEY (account_id)
		REFERENCES pymailadmin_account (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
	COLLATE utf8mb4_uca1400_nopad_as_ci
	COMMENT='Who is logged in to the portal';

CREATE TABLE IF NOT EXISTS pymailadmin_registration (
	id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
	email VARCHAR(254) NOT NULL
		COMMENT 'Of the account to be',
	password VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
		COMMENT 'Hash, becomes the account''s',
	language VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
		DEFAULT 'en'
		COMMENT 'Becomes the account''s',
	reason VARCHAR(1000) NOT NULL
		COMMENT 'The person''s own words, for the moderator',
	token_hash BINARY(32) NOT NULL
		COMMENT 'SHA-256 of what the confirmation link carries',
	created_at DATETIME NOT NULL DEFAULT (UTC_TIMESTAMP())
		COMMENT 'UTC',
	confirmed_at DATETIME NULL
		COMMENT 'UTC; NULL until the link was followed',
	expires_at DATETIME NOT NULL
		COMMENT 'UTC; then the address may register anew',
	PRIMARY KEY (id) COMMENT 'What the moderator answers',
	UNIQUE KEY email (email) COMMENT 'One open registration per address',
	UNIQUE KEY token_hash (token_hash) COMMENT 'The link',
	KEY expires_at (expires_at) COMMENT 'Housekeeping',
	CONSTRAINT registration_email_length
		CHECK (CHAR_LENGTH(email) BETWEEN 3 AND 254),
	CONSTRAINT registration_password_length
		CHECK (LENGTH(password) BETWEEN 20 AND 255),
	CONSTRAINT registration_language_length
		CHECK (LENGTH(language) BETWEEN 2 AND 8)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
	COLLATE utf8mb4_uca1400_nopad_as_ci
	COMMENT='People who asked for an account and wait for an answer';

-- What an account owns is said by names, not by ids of the mail server's
-- tables: those ids are opaque, and a mailbox is reserved before it has one.
CREATE TABLE IF NOT EXISTS pymailadmin_account_domain (
	account_id BIGINT UNSIGNED NOT NULL,
	domain VARCHAR(253) NOT NULL
		COMMENT 'pymailadmin_domain.name',
	PRIMARY KEY (account_id, domain)
		COMMENT 'May this account make mailboxes in this domain?',
	CONSTRAINT account_domain_account FOREIGN KEY (account_id)
		REFERENCES pymailadmin_account (id) ON DELETE CASCADE,
	CONSTRAINT account_domain_length
		CHECK (CHAR_LENGTH(domain) BETWEEN 1 AND 253)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
	COLLATE utf8mb4_uca1400_nopad_as_ci
	COMMENT='In which domains an account may make mailboxes';

CREATE TABLE IF NOT EXISTS pymailadmin_account_mailbox (
	address VARCHAR(254) NOT NULL
		COMMENT 'pymailadmin_mailbox.address',
	account_id BIGINT UNSIGNED NOT NULL,
	created_at DATETIME NOT NULL DEFAULT (UTC_TIMESTAMP())
		COMMENT 'UTC',
	PRIMARY KEY (address) COMMENT 'A mailbox has one owner',
	KEY account_id (account_id) COMMENT 'The mailboxes of an account',
	CONSTRAINT account_mailbox_account FOREIGN KEY (account_id)
		REFERENCES pymailadmin_account (id) ON DELETE CASCADE,
	CONSTRAINT account_mailbox_length
		CHECK (CHAR_LENGTH(address) BETWEEN 3 AND 254)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
	COLLATE utf8mb4_uca1400_nopad_as_ci
	COMMENT='Which account owns a mailbox';

-- The states and kinds, what they mean and which may follow which, stand in
-- plugin/contract/request-state.h; the sealed part in sealed-request.h.
CREATE TABLE IF NOT EXISTS pymailadmin_request (
	id CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
		COMMENT '128 random bits, lower case hex; the seal is bound to it',
	kind ENUM('password', 'create', 'delete') NOT NULL
		COMMENT 'What is asked for; the seal is bound to it',
	address VARCHAR(254) NOT NULL
		COMMENT 'The mailbox; the seal is bound to it',
	account_id BIGINT UNSIGNED NULL
		COMMENT 'Who asked in the portal; NULL: an administrator did',
	state ENUM('pending', 'claimed', 'switching', 'switched', 'rekeying',
		   'done', 'failed', 'expired', 'canceled')
		NOT NULL DEFAULT 'pending'
		COMMENT 'Where it stands; decides whether the mailbox is closed',
	created_at DATETIME NOT NULL
		COMMENT 'UTC, by this database''s clock; the seal is bound to it',
	sealed VARBINARY(2048) NULL
		COMMENT 'Secrets, sealed to the mail host; NULL once it has ended',
	claimed_by VARCHAR(128) NULL
		COMMENT 'host/pid/starttime of the process that works on it',
	lease_until DATETIME NULL
		COMMENT 'UTC; then another process may take it over',
	attempts INT UNSIGNED NOT NULL DEFAULT 0
		COMMENT 'How often it was claimed',
	retry_at DATETIME NULL
		COMMENT 'UTC; not to be claimed before',
	outcome VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL
		COMMENT 'Code of how it ended, for the portal''s words',
	reason VARCHAR(500) NULL
		COMMENT 'How it ended, for the administrator',
	updated_at DATETIME NOT NULL DEFAULT (UTC_TIMESTAMP())
		COMMENT 'UTC, of the last change of state',
	ended_at DATETIME NULL
		COMMENT 'UTC; NULL while it is open',
	open_address VARCHAR(254)
		GENERATED ALWAYS AS (IF(state IN ('done', 'failed', 'expired',
						  'canceled'), NULL, address))
		STORED
		COMMENT 'The address while the request is open, else NULL',
	PRIMARY KEY (id) COMMENT 'Every change of state names its request',
	UNIQUE KEY open_address (open_address)
		COMMENT 'One open request per mailbox; asked at each log-in',
	KEY state (state, created_at)
		COMMENT 'The queue, oldest first; housekeeping',
	KEY address (address, created_at)
		COMMENT 'What was asked for a mailbox, newest last',
	KEY account_id (account_id, created_at)
		COMMENT 'What an account asked for, newest last',
	CONSTRAINT request_account FOREIGN KEY (account_id)
		REFERENCES pymailadmin_account (id) ON DELETE SET NULL,
	CONSTRAINT request_id_hex
		CHECK (id REGEXP '^[0-9a-f]{32}$'),
	-- what an unstrict sql_mode makes of values that are none
	CONSTRAINT request_kind_known CHECK (kind <> ''),
	CONSTRAINT request_state_known CHECK (state <> ''),
	CONSTRAINT request_created_after_2000
		CHECK (created_at >= '2000-01-01 00:00:00'),
	CONSTRAINT request_address_printable
		CHECK (address NOT REGEXP '[[:cntrl:]]'),
	CONSTRAINT request_address_length
		CHECK (CHAR_LENGTH(address) BETWEEN 3 AND 254),
	CONSTRAINT request_sealed_length
		CHECK (LENGTH(sealed) BETWEEN 1 AND 2048),
	CONSTRAINT request_wiped
		CHECK (sealed IS NULL OR state NOT IN
		       ('done', 'failed', 'expired', 'canceled'))
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
	COLLATE utf8mb4_uca1400_nopad_as_ci
	COMMENT='What the portal and the administrator ask the mail host to do';

-- A program that dates its requests by another clock than this one is told so
-- at once: a date in the future becomes NULL, which the column refuses. Only at
-- insertion, so that a clock set back stops no work on the requests there are.
CREATE OR REPLACE TRIGGER pymailadmin_request_not_from_the_future
	BEFORE INSERT ON pymailadmin_request FOR EACH ROW
	SET NEW.created_at = IF(NEW.created_at > UTC_TIMESTAMP(), NULL,
				NEW.created_at);

-- The one change of a request the portal can make: it has the right to call
-- this, none to update the table, and so can name no other state and take
-- back nothing that somebody works on. One row affected: it is canceled.
CREATE OR REPLACE PROCEDURE pymailadmin_request_cancel(
	IN request_id CHAR(32) CHARACTER SET ascii)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Cancels a request nobody works on yet'
	UPDATE pymailadmin_request
	SET state = 'canceled', sealed = NULL, outcome = 'canceled',
		reason = 'canceled in the portal',
		updated_at = UTC_TIMESTAMP(), ended_at = UTC_TIMESTAMP()
	WHERE id = request_id AND state = 'pending';

CREATE TABLE IF NOT EXISTS pymailadmin_outbox (
	id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
	account_id BIGINT UNSIGNED NULL
		COMMENT 'To this account''s e-mail address',
	recipient VARCHAR(254) NULL
		COMMENT 'Or to this one, that has no account yet',
	template VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
		COMMENT 'Which text; the portal has it in each language',
	address VARCHAR(254) NULL
		COMMENT 'The mailbox it is about',
	args VARCHAR(2000) NULL
		COMMENT 'JSON object: other values of the text; NULL once sent',
	created_at DATETIME NOT NULL DEFAULT (UTC_TIMESTAMP())
		COMMENT 'UTC',
	attempts INT UNSIGNED NOT NULL DEFAULT 0
		COMMENT 'How often sending failed',
	retry_at DATETIME NOT NULL DEFAULT (UTC_TIMESTAMP())
		COMMENT 'UTC; not to be sent before',
	sent_at DATETIME NULL
		COMMENT 'UTC; NULL while it waits',
	PRIMARY KEY (id) COMMENT 'In the order they were written',
	KEY waiting (sent_at, retry_at) COMMENT 'What is to be sent now',
	KEY account_id (account_id) COMMENT 'For the foreign key',
	CONSTRAINT outbox_account FOREIGN KEY (account_id)
		REFERENCES pymailadmin_account (id) ON DELETE CASCADE,
	CONSTRAINT outbox_one_recipient
		CHECK ((account_id IS NULL) <> (recipient IS NULL)),
	CONSTRAINT outbox_recipient_length
		CHECK (CHAR_LENGTH(recipient) BETWEEN 3 AND 254),
	CONSTRAINT outbox_args_json CHECK (args IS NULL OR JSON_VALID(args))
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
	COLLATE utf8mb4_uca1400_nopad_as_ci
	COMMENT='Mails the portal is to send, so that no page waits for SMTP';

CREATE TABLE IF NOT EXISTS pymailadmin_event (
	id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
	created_at DATETIME NOT NULL DEFAULT (UTC_TIMESTAMP())
		COMMENT 'UTC',
	actor VARCHAR(254) NOT NULL
		COMMENT 'Who: an account''s e-mail address, or a program and host',
	address VARCHAR(254) NULL
		COMMENT 'The mailbox it is about',
	kind VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
		COMMENT 'Code of what happened',
	request_id CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL
		COMMENT 'The request it belongs to, which may be gone',
	text VARCHAR(500) NOT NULL DEFAULT ''
		COMMENT 'Details, for the administrator; never a secret',
	PRIMARY KEY (id) COMMENT 'In the order it happened',
	KEY address (address, id) COMMENT 'The history of a mailbox',
	KEY created_at (created_at) COMMENT 'The history of a day',
	CONSTRAINT event_actor_length
		CHECK (CHAR_LENGTH(actor) BETWEEN 1 AND 254),
	CONSTRAINT event_kind_length CHECK (LENGTH(kind) BETWEEN 1 AND 32)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
	COLLATE utf8mb4_uca1400_nopad_as_ci
	COMMENT='Who did what, when; only ever added to';

CREATE TABLE IF NOT EXISTS pymailadmin_rate_limit (
	name VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
		COMMENT 'What is limited',
	subject VARBINARY(64) NOT NULL
		COMMENT 'For whom: an address, an account, or a hash of it',
	tokens DOUBLE NOT NULL
		COMMENT 'How much was left at updated_at',
	updated_at DATETIME(3) NOT NULL
		COMMENT 'UTC; tokens grow with the time since then',
	PRIMARY KEY (name, subject) COMMENT 'One bucket, one statement',
	KEY updated_at (updated_at) COMMENT 'Housekeeping: full buckets',
	CONSTRAINT rate_limit_subject_length
		CHECK (LENGTH(subject) BETWEEN 1 AND 64)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
	COLLATE utf8mb4_uca1400_nopad_as_ci
	COMMENT='Token buckets that slow down who asks too often';

CREATE TABLE IF NOT EXISTS pymailadmin_heartbeat (
	host VARCHAR(253) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL
		COMMENT 'The mail host',
	seal_key_id CHAR(16) CHARACTER SET ascii COLLATE ascii_bin NULL
		COMMENT 'Hex id of the key it opens requests with; NULL: none',
	version VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
		COMMENT 'Of pymailadmin on that host',
	last_run_at DATETIME NOT NULL
		COMMENT 'UTC; an old one means that the timer does not run',
	PRIMARY KEY (host) COMMENT 'One row per mail host',
	CONSTRAINT heartbeat_host_length
		CHECK (LENGTH(host) BETWEEN 1 AND 253),
	CONSTRAINT heartbeat_seal_key_id_hex
		CHECK (seal_key_id REGEXP '^[0-9a-f]{16}$')
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
	COLLATE utf8mb4_uca1400_nopad_as_ci
	COMMENT='When each mail host last looked for requests';

INSERT IGNORE INTO pymailadmin_schema_version (version, description)
	VALUES (1, 'initial tables');
