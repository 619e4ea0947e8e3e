-- pymailadmin's tables, version 2: stored mail that is re-encrypted while the
-- mailbox is open. After 0001-initial.sql; loading it twice is harmless. Load
-- grants-plugin.sql again afterwards.

ALTER TABLE pymailadmin_request
	MODIFY kind ENUM('password', 'create', 'delete', 'encrypt') NOT NULL
		COMMENT 'What is asked for; the seal is bound to it',
	MODIFY state ENUM('pending', 'claimed', 'switching', 'switched',
			  'rekeying', 'storing', 'done', 'failed', 'expired',
			  'canceled')
		NOT NULL DEFAULT 'pending'
		COMMENT 'Where it stands; decides whether the mailbox is closed',
	MODIFY open_address VARCHAR(254)
		GENERATED ALWAYS AS (IF(state IN ('storing', 'done', 'failed',
						  'expired', 'canceled'),
					NULL, address))
		STORED
		COMMENT 'The address while no other request may be filed',
	ADD COLUMN IF NOT EXISTS mails_done BIGINT UNSIGNED NULL
		COMMENT 'Stored mails looked at; NULL: not begun'
		AFTER reason,
	ADD COLUMN IF NOT EXISTS mails_total BIGINT UNSIGNED NULL
		COMMENT 'Of how many'
		AFTER mails_done,
	ADD COLUMN IF NOT EXISTS bytes_done BIGINT UNSIGNED NULL
		COMMENT 'Their bytes on disk'
		AFTER mails_total,
	ADD COLUMN IF NOT EXISTS bytes_total BIGINT UNSIGNED NULL
		COMMENT 'Of how many'
		AFTER bytes_done,
	ADD COLUMN IF NOT EXISTS storing_since DATETIME NULL
		COMMENT 'UTC, of the first of them in this run'
		AFTER bytes_total,
	COMMENT='What the portal and the administrator ask the mail host to do';

INSERT IGNORE INTO pymailadmin_schema_version (version, description)
	VALUES (2, 'progress of re-encrypting stored mail');
