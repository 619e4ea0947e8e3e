-- pymailadmin's tables, version 6: browsers the portal knows, so that people
-- are told of a log-in from another one; the history by kind; and requests that
-- wait are tried at once. After 0004-joining.sql; loading it twice is harmless.
-- Load grants-web.sql again afterwards.
--
-- What 0003-portal.sql says of its procedures goes for this one too.

SET NAMES utf8mb4;

CREATE TABLE IF NOT EXISTS pymailadmin_known_device (
	account_id BIGINT UNSIGNED NOT NULL
		COMMENT 'Who logged in with it',
	token_hash BINARY(32) NOT NULL
		COMMENT 'SHA-256 of account and cookie: two of a browser differ',
	created_at DATETIME NOT NULL DEFAULT (UTC_TIMESTAMP())
		COMMENT 'UTC, of the first log-in',
	seen_at DATETIME NOT NULL DEFAULT (UTC_TIMESTAMP())
		COMMENT 'UTC, of the last log-in',
	PRIMARY KEY (account_id, token_hash) COMMENT 'Is it one of these?',
	KEY seen_at (seen_at) COMMENT 'Housekeeping',
	CONSTRAINT known_device_account FOREIGN KEY (account_id)
		REFERENCES pymailadmin_account (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
	COLLATE utf8mb4_uca1400_nopad_as_ci
	COMMENT='Browsers an account has logged in with';

ALTER TABLE pymailadmin_account
	ADD COLUMN IF NOT EXISTS devices_since DATETIME NULL
		COMMENT 'UTC; NULL: no browser was ever known, none is told of';

ALTER TABLE pymailadmin_event
	ADD INDEX IF NOT EXISTS kind (kind, id)
		COMMENT 'What happened of a kind';

DELIMITER $$

-- A super admin does not wait for a request's next turn. Its state, and who has
-- it, stay as they are: nothing is taken from whom works on it.
CREATE OR REPLACE PROCEDURE pymailadmin_request_retry(
	IN p_account_id BIGINT UNSIGNED,
	IN p_id CHAR(32) CHARACTER SET ascii)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Lets a request that waits be tried at once: done, not_found'
BEGIN
	DECLARE own BOOLEAN DEFAULT NOT @@in_transaction;
	DECLARE result VARCHAR(16) CHARACTER SET ascii DEFAULT 'not_found';
	DECLARE v_actor VARCHAR(254) CHARACTER SET utf8mb4 DEFAULT NULL;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION
		BEGIN IF own THEN ROLLBACK; END IF; RESIGNAL; END;

	SET SESSION timestamp = DEFAULT;
	IF own THEN START TRANSACTION; END IF;
	SELECT email INTO v_actor FROM pymailadmin_account
		WHERE id = p_account_id AND active AND role = 'super_admin'
		LOCK IN SHARE MODE;
	IF v_actor IS NOT NULL THEN
		UPDATE pymailadmin_request SET retry_at = NULL,
			updated_at = UTC_TIMESTAMP()
			WHERE id = p_id AND ended_at IS NULL AND
			retry_at > UTC_TIMESTAMP();
		SET result = IF(ROW_COUNT() = 0, 'not_found', 'done');
	END IF;
	IF result = 'done' THEN
		INSERT INTO pymailadmin_event (actor, address, kind, request_id)
			SELECT v_actor, address, CONCAT(kind, '-retried'), id
			FROM pymailadmin_request WHERE id = p_id;
	END IF;
	IF own THEN COMMIT; END IF;
	SELECT result;
END $$

DELIMITER ;

INSERT IGNORE INTO pymailadmin_schema_version (version, description)
	VALUES (6, 'notices');
