-- pymailadmin's tables, version 3: what the portal needs, and the procedures
-- by which the database itself decides what the portal may change. After
-- 0002-storage.sql; loading it twice is harmless. Load grants-plugin.sql and
-- grants-web.sql again afterwards.
--
-- The procedures look at the mail server's tables through the three views: load
-- views-default.sql, fitted to your tables, before the portal starts. They run
-- with the rights of whoever loads this file (SQL SECURITY DEFINER): load it as
-- an account that stays.
--
-- Accounts are made by an administrator, and so is what they own that a
-- procedure has not made:
--
--   INSERT INTO pymailadmin_account_domain VALUES (7, 'example.org');
--   INSERT INTO pymailadmin_account_mailbox (address, account_id)
--     VALUES ('alice@example.org', 7);

SET NAMES utf8mb4;

ALTER TABLE pymailadmin_account
	ADD COLUMN IF NOT EXISTS max_mailboxes SMALLINT UNSIGNED NULL
		COMMENT 'How many it may have; NULL: what the portal is set to'
		AFTER active,
	ADD COLUMN IF NOT EXISTS max_aliases SMALLINT UNSIGNED NULL
		COMMENT 'For each mailbox; NULL: what the portal is set to'
		AFTER max_mailboxes,
	ADD COLUMN IF NOT EXISTS totp_secret VARBINARY(64) NULL
		COMMENT 'Encrypted with the portal''s secret key; NULL: none'
		AFTER password_changed_at,
	ADD COLUMN IF NOT EXISTS totp_confirmed_at DATETIME NULL
		COMMENT 'UTC; NULL: a first code was never given, not in force'
		AFTER totp_secret,
	ADD COLUMN IF NOT EXISTS totp_last_step BIGINT UNSIGNED NULL
		COMMENT 'Newest step a code was used of: none counts twice'
		AFTER totp_confirmed_at;

ALTER TABLE pymailadmin_session
	ADD COLUMN IF NOT EXISTS stage ENUM('code', 'full') NOT NULL
		DEFAULT 'full'
		COMMENT 'code: password right, code awaited; full: logged in'
		AFTER csrf_key,
	ADD COLUMN IF NOT EXISTS role ENUM('user', 'admin', 'super_admin')
		NOT NULL DEFAULT 'user'
		COMMENT 'The account''s at log-in; not honoured with another'
		AFTER stage,
	ADD COLUMN IF NOT EXISTS second_factor BOOLEAN NOT NULL DEFAULT FALSE
		COMMENT 'A code was given, not only the password'
		AFTER role,
	ADD COLUMN IF NOT EXISTS user_agent VARCHAR(200) CHARACTER SET ascii
		COLLATE ascii_bin NOT NULL DEFAULT ''
		COMMENT 'What the browser called itself, for its owner''s eyes'
		AFTER second_factor,
	ADD COLUMN IF NOT EXISTS client_address VARCHAR(45) CHARACTER SET ascii
		COLLATE ascii_bin NOT NULL DEFAULT ''
		COMMENT 'Where it was made from'
		AFTER user_agent;

CREATE TABLE IF NOT EXISTS pymailadmin_backup_code (
	account_id BIGINT UNSIGNED NOT NULL,
	code_hash BINARY(32) NOT NULL
		COMMENT 'HMAC-SHA-256 of the code with the portal''s secret key',
	created_at DATETIME NOT NULL DEFAULT (UTC_TIMESTAMP())
		COMMENT 'UTC',
	used_at DATETIME NULL
		COMMENT 'UTC; NULL: it can still be used, once',
	PRIMARY KEY (account_id, code_hash) COMMENT 'Is it one of these?',
	CONSTRAINT backup_code_account FOREIGN KEY (account_id)
		REFERENCES pymailadmin_account (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
	COLLATE utf8mb4_uca1400_nopad_as_ci
	COMMENT='Codes that log in once in place of a lost second factor';

CREATE TABLE IF NOT EXISTS pymailadmin_password_reset (
	token_hash BINARY(32) NOT NULL
		COMMENT 'SHA-256 of what the mailed link carries',
	account_id BIGINT UNSIGNED NOT NULL,
	created_at DATETIME NOT NULL DEFAULT (UTC_TIMESTAMP())
		COMMENT 'UTC',
	expires_at DATETIME NOT NULL
		COMMENT 'UTC; a link that was used is gone before',
	PRIMARY KEY (token_hash) COMMENT 'The link',
	UNIQUE KEY account_id (account_id) COMMENT 'Only the newest counts',
	KEY expires_at (expires_at) COMMENT 'Housekeeping',
	CONSTRAINT password_reset_account FOREIGN KEY (account_id)
		REFERENCES pymailadmin_account (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
	COLLATE utf8mb4_uca1400_nopad_as_ci
	COMMENT='Links by which a forgotten password of the portal is set';

ALTER TABLE pymailadmin_request
	ADD COLUMN IF NOT EXISTS quota BIGINT UNSIGNED NULL
		COMMENT 'Bytes the mailbox to be created may hold'
		AFTER sealed;

ALTER TABLE pymailadmin_event
	ADD COLUMN IF NOT EXISTS hidden BOOLEAN NOT NULL DEFAULT FALSE
		COMMENT 'True: only administrators are shown it'
		AFTER text,
	ADD INDEX IF NOT EXISTS actor (actor, id)
		COMMENT 'What an account did';

ALTER TABLE pymailadmin_rate_limit
	MODIFY tokens DOUBLE NOT NULL
		COMMENT 'How much was left at updated_at; below 0: one too few';

-- The procedures. Each selects one row with one column, result: 'done', or why
-- nothing was changed. What they write belongs together: outside a transaction
-- they make one, so that no lock is given back half way, and inside one they
-- are part of it. Names of a domain are given one after the other, under a
-- lock on the domain's row; what an account has is counted under one on its
-- row. All that decides is read with locks, as it is now and not as the
-- caller's transaction may see it, and by the real time.
--
-- CAST(... AS CHAR): the collation of the mail server's tables is not known,
-- and yields to nothing else.

DELIMITER $$

-- Is the address somebody's, or about to be? 1 if so. With locks.
CREATE OR REPLACE PROCEDURE pymailadmin_address_taken(
	IN p_address VARCHAR(254) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci,
	OUT taken BOOLEAN)
	READS SQL DATA SQL SECURITY DEFINER
	COMMENT 'Is an address a mailbox, an alias, or being made one?'
BEGIN
	SELECT COUNT(*) > 0 INTO taken FROM pymailadmin_mailbox
		WHERE address = CAST(p_address AS CHAR) LOCK IN SHARE MODE;
	IF NOT taken THEN
		SELECT COUNT(*) > 0 INTO taken FROM pymailadmin_alias
			WHERE source = CAST(p_address AS CHAR)
			LOCK IN SHARE MODE;
	END IF;
	IF NOT taken THEN
		SELECT COUNT(*) > 0 INTO taken FROM pymailadmin_request
			WHERE open_address = p_address LOCK IN SHARE MODE;
	END IF;
END $$

-- May the account make changes to the mailbox? result: done, not_found. Locks
-- domain and mailbox, and says who owns it and what it is called exactly.
CREATE OR REPLACE PROCEDURE pymailadmin_mailbox_lock(
	IN p_account_id BIGINT UNSIGNED,
	IN p_address VARCHAR(254) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci,
	OUT v_address VARCHAR(254) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci,
	OUT v_email VARCHAR(254) CHARACTER SET utf8mb4,
	OUT v_super BOOLEAN, OUT v_owner BIGINT UNSIGNED,
	OUT result VARCHAR(16) CHARACTER SET ascii)
	READS SQL DATA SQL SECURITY DEFINER
	COMMENT 'Locks a mailbox for a change by an account that may'
BEGIN
	DECLARE v_domain VARCHAR(254) CHARACTER SET utf8mb4;

	SET result = 'not_found', v_address = NULL, v_email = NULL,
		v_owner = NULL;
	SELECT email, role = 'super_admin' INTO v_email, v_super
		FROM pymailadmin_account
		WHERE id = p_account_id AND active LOCK IN SHARE MODE;
	SELECT name INTO v_domain FROM pymailadmin_domain
		WHERE name = CAST(SUBSTRING_INDEX(p_address, '@', -1) AS CHAR)
		FOR UPDATE;
	SELECT address INTO v_address FROM pymailadmin_mailbox
		WHERE address = CAST(p_address AS CHAR) LOCK IN SHARE MODE;
	SELECT account_id INTO v_owner FROM pymailadmin_account_mailbox
		WHERE address = p_address LOCK IN SHARE MODE;
	-- the mail server's table may take accents for nothing
	IF v_email IS NOT NULL AND v_domain IS NOT NULL AND
	   COALESCE(v_address = p_address, FALSE) AND
	   (v_super OR COALESCE(v_owner = p_account_id, FALSE)) THEN
		SET result = 'done';
	END IF;
END $$

-- The source of a new or renamed alias. result: done, malformed, taken.
CREATE OR REPLACE PROCEDURE pymailadmin_alias_check(
	IN p_source VARCHAR(254) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci,
	IN p_address VARCHAR(254) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci,
	IN p_super BOOLEAN, OUT result VARCHAR(16) CHARACTER SET ascii)
	READS SQL DATA SQL SECURITY DEFINER
	COMMENT 'May an alias of a mailbox have this address?'
BEGIN
	DECLARE taken BOOLEAN;

	IF COALESCE(p_source NOT REGEXP
		'(?-i)^([a-z0-9][a-z0-9._-]{0,63})?@[a-z0-9][a-z0-9.-]*$' OR
	   SUBSTRING_INDEX(p_source, '@', -1) <>
		SUBSTRING_INDEX(p_address, '@', -1) OR
	   (p_source LIKE '@%' AND NOT p_super), TRUE) THEN
		SET result = 'malformed';
	ELSE
		CALL pymailadmin_address_taken(p_source, taken);
		SET result = IF(taken, 'taken', 'done');
	END IF;
END $$

CREATE OR REPLACE PROCEDURE pymailadmin_alias_add(
	IN p_account_id BIGINT UNSIGNED,
	IN p_mailbox VARCHAR(254) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci,
	IN p_source VARCHAR(254) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci,
	IN p_limit INT UNSIGNED)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Adds an alias: done, not_found, busy, malformed, taken, limit'
BEGIN
	DECLARE own BOOLEAN DEFAULT NOT @@in_transaction;
	DECLARE result VARCHAR(16) CHARACTER SET ascii;
	DECLARE v_address, v_email VARCHAR(254) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci;
	DECLARE v_super BOOLEAN;
	DECLARE v_owner, v_count BIGINT UNSIGNED;
	DECLARE v_limit INT UNSIGNED DEFAULT NULL;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN
		IF own THEN ROLLBACK; END IF;
		RESIGNAL;
	END;

	SET SESSION timestamp = DEFAULT, check_constraint_checks = 1,
		foreign_key_checks = 1, unique_checks = 1;
	IF own THEN START TRANSACTION; END IF;
	CALL pymailadmin_mailbox_lock(p_account_id, p_mailbox, v_address,
				      v_email, v_super, v_owner, result);
	IF result = 'done' THEN
		SELECT IF(COUNT(*) > 0, 'busy', 'done') INTO result
			FROM pymailadmin_request
			WHERE open_address = p_mailbox AND kind <> 'password'
			LOCK IN SHARE MODE;
	END IF;
	IF result = 'done' THEN
		CALL pymailadmin_alias_check(p_source, v_address, v_super,
					     result);
	END IF;
	IF result = 'done' AND NOT v_super THEN
		SELECT max_aliases INTO v_limit FROM pymailadmin_account
			WHERE id = v_owner LOCK IN SHARE MODE;
		SELECT COUNT(*) INTO v_count FROM pymailadmin_alias
			WHERE destination = CAST(v_address AS CHAR)
			LOCK IN SHARE MODE;
		IF v_count >= COALESCE(v_limit, p_limit, 0) THEN
			SET result = 'limit';
		END IF;
	END IF;
	IF result = 'done' THEN
		INSERT INTO pymailadmin_alias (domain_id, source, destination)
			SELECT m.domain_id, p_source, v_address
			FROM pymailadmin_mailbox m
			WHERE m.address = CAST(v_address AS CHAR);
		INSERT INTO pymailadmin_event (actor, address, kind, text)
			VALUES (v_email, v_address, 'alias-add', p_source);
	END IF;
	IF own THEN COMMIT; END IF;
	SELECT result;
END $$

-- p_source NULL: it is deleted.
CREATE OR REPLACE PROCEDURE pymailadmin_alias_change(
	IN p_account_id BIGINT UNSIGNED,
	IN p_mailbox VARCHAR(254) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci,
	IN p_id VARCHAR(64) CHARACTER SET utf8mb4,
	IN p_source VARCHAR(254) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Renames or deletes an alias'
BEGIN
	DECLARE own BOOLEAN DEFAULT NOT @@in_transaction;
	DECLARE result VARCHAR(16) CHARACTER SET ascii;
	DECLARE v_address, v_email, v_source VARCHAR(254) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci;
	DECLARE v_super BOOLEAN;
	DECLARE v_owner BIGINT UNSIGNED;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN
		IF own THEN ROLLBACK; END IF;
		RESIGNAL;
	END;

	SET SESSION timestamp = DEFAULT, check_constraint_checks = 1,
		foreign_key_checks = 1, unique_checks = 1;
	IF own THEN START TRANSACTION; END IF;
	CALL pymailadmin_mailbox_lock(p_account_id, p_mailbox, v_address,
				      v_email, v_super, v_owner, result);
	IF result = 'done' THEN
		SELECT MAX(source) INTO v_source FROM pymailadmin_alias
			WHERE destination = CAST(v_address AS CHAR) AND
			CAST(id AS CHAR) = p_id FOR UPDATE;
		IF v_source IS NULL THEN
			SET result = 'not_found';
		ELSEIF BINARY v_source = BINARY p_source THEN
			SET result = 'unchanged';
		ELSEIF p_source IS NOT NULL THEN
			CALL pymailadmin_alias_check(p_source, v_address,
						     v_super, result);
		END IF;
	END IF;
	IF result = 'done' AND p_source IS NULL THEN
		DELETE FROM pymailadmin_alias
			WHERE destination = CAST(v_address AS CHAR) AND
			CAST(id AS CHAR) = p_id;
	ELSEIF result = 'done' THEN
		UPDATE pymailadmin_alias SET source = p_source
			WHERE destination = CAST(v_address AS CHAR) AND
			CAST(id AS CHAR) = p_id;
	END IF;
	IF result = 'done' THEN
		INSERT INTO pymailadmin_event (actor, address, kind, text)
			VALUES (v_email, v_address,
				IF(p_source IS NULL, 'alias-delete',
				   'alias-rename'),
				LEFT(CONCAT_WS(' ', v_source, p_source), 500));
	END IF;
	IF own THEN COMMIT; END IF;
	SELECT result;
END $$

CREATE OR REPLACE PROCEDURE pymailadmin_alias_rename(
	IN p_account_id BIGINT UNSIGNED,
	IN p_mailbox VARCHAR(254) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci,
	IN p_id VARCHAR(64) CHARACTER SET utf8mb4,
	IN p_source VARCHAR(254) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Renames an alias: done, not_found, malformed, taken, unchanged'
	CALL pymailadmin_alias_change(p_account_id, p_mailbox, p_id,
				      COALESCE(p_source, '')) $$

CREATE OR REPLACE PROCEDURE pymailadmin_alias_delete(
	IN p_account_id BIGINT UNSIGNED,
	IN p_mailbox VARCHAR(254) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci,
	IN p_id VARCHAR(64) CHARACTER SET utf8mb4)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Deletes an alias: done, not_found'
	CALL pymailadmin_alias_change(p_account_id, p_mailbox, p_id, NULL) $$

-- May the account have another mailbox of this name? result: done, not_found,
-- malformed, taken, limit. Locks account and domain.
CREATE OR REPLACE PROCEDURE pymailadmin_create_check(
	IN p_account_id BIGINT UNSIGNED,
	IN p_address VARCHAR(254) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci,
	IN p_limit INT UNSIGNED,
	OUT v_email VARCHAR(254) CHARACTER SET utf8mb4,
	OUT result VARCHAR(16) CHARACTER SET ascii)
	READS SQL DATA SQL SECURITY DEFINER
	COMMENT 'May an account make this mailbox?'
BEGIN
	DECLARE v_domain VARCHAR(254) CHARACTER SET utf8mb4;
	DECLARE v_super, v_taken BOOLEAN;
	DECLARE v_limit INT UNSIGNED DEFAULT NULL;
	DECLARE v_count BIGINT UNSIGNED;

	SET v_email = NULL;
	-- one after the other, so that all count what the others have made
	SELECT email, role = 'super_admin', max_mailboxes
		INTO v_email, v_super, v_limit FROM pymailadmin_account
		WHERE id = p_account_id AND active FOR UPDATE;
	SELECT name INTO v_domain FROM pymailadmin_domain
		WHERE name = CAST(SUBSTRING_INDEX(p_address, '@', -1) AS CHAR)
		FOR UPDATE;
	SELECT COUNT(*) INTO v_count FROM pymailadmin_account_domain
		WHERE account_id = p_account_id AND
		domain = SUBSTRING_INDEX(p_address, '@', -1);
	IF v_email IS NULL OR v_domain IS NULL OR
	   (v_count = 0 AND NOT v_super) THEN
		SET result = 'not_found';
	ELSEIF p_address NOT REGEXP
		'(?-i)^[a-z0-9][a-z0-9._-]{0,63}@[a-z0-9][a-z0-9.-]*$' THEN
		SET result = 'malformed';
	ELSE
		CALL pymailadmin_address_taken(p_address, v_taken);
		-- what was only reserved, and never came to be, does not count
		SELECT COUNT(*) INTO v_count FROM pymailadmin_account_mailbox o
			WHERE o.account_id = p_account_id AND
			(EXISTS (SELECT 1 FROM pymailadmin_mailbox m WHERE
				m.address = CAST(o.address AS CHAR)) OR
			 EXISTS (SELECT 1 FROM pymailadmin_request r WHERE
				r.open_address = o.address))
			LOCK IN SHARE MODE;
		SET result = IF(v_taken, 'taken', IF(NOT v_super AND
			v_count >= COALESCE(v_limit, p_limit, 0),
			'limit', 'done'));
	END IF;
END $$

-- The one way to ask the mail host for something. p_created is what the seal is
-- bound to, in seconds since the epoch by this database's clock.
CREATE OR REPLACE PROCEDURE pymailadmin_request_file(
	IN p_account_id BIGINT UNSIGNED,
	IN p_id CHAR(32) CHARACTER SET ascii,
	IN p_kind VARCHAR(16) CHARACTER SET ascii,
	IN p_address VARCHAR(254) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci,
	IN p_created BIGINT, IN p_sealed VARBINARY(2048),
	IN p_quota BIGINT UNSIGNED, IN p_limit INT UNSIGNED)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Files a request: done, not_found, busy, malformed, taken, limit'
BEGIN
	DECLARE own BOOLEAN DEFAULT NOT @@in_transaction;
	DECLARE result VARCHAR(16) CHARACTER SET ascii;
	DECLARE v_address, v_email VARCHAR(254) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci;
	DECLARE v_super BOOLEAN;
	DECLARE v_owner BIGINT UNSIGNED;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN
		IF own THEN ROLLBACK; END IF;
		RESIGNAL;
	END;

	SET SESSION timestamp = DEFAULT, check_constraint_checks = 1,
		foreign_key_checks = 1, unique_checks = 1;
	IF own THEN START TRANSACTION; END IF;
	IF COALESCE(p_kind NOT IN ('password', 'create', 'delete') OR
	   ABS(p_created - TIMESTAMPDIFF(SECOND, '1970-01-01 00:00:00',
					 UTC_TIMESTAMP())) > 60 OR
	   (p_kind <> 'delete' AND p_sealed IS NULL) OR
	   (p_kind = 'create') <> (p_quota IS NOT NULL), TRUE) THEN
		SET result = 'malformed';
	ELSEIF p_kind = 'create' THEN
		SET v_owner = p_account_id;
		CALL pymailadmin_create_check(p_account_id, p_address, p_limit,
					      v_email, result);
	ELSE
		CALL pymailadmin_mailbox_lock(p_account_id, p_address,
			v_address, v_email, v_super, v_owner, result);
	END IF;
	IF result = 'done' THEN
		SELECT IF(COUNT(*) > 0, 'busy', 'done') INTO result
			FROM pymailadmin_request
			WHERE open_address = p_address FOR UPDATE;
	END IF;
	IF result = 'done' THEN
		INSERT INTO pymailadmin_request (id, kind, address, account_id,
			created_at, sealed, quota) VALUES (p_id, p_kind,
			p_address, p_account_id, TIMESTAMPADD(SECOND, p_created,
			'1970-01-01 00:00:00'), p_sealed, p_quota);
		INSERT INTO pymailadmin_event (actor, address, kind, request_id)
			VALUES (v_email, p_address, CONCAT(p_kind, '-pending'),
				p_id);
		IF p_kind = 'create' THEN
			INSERT INTO pymailadmin_account_mailbox
				(address, account_id)
				VALUES (p_address, p_account_id)
				ON DUPLICATE KEY UPDATE
				account_id = p_account_id,
				created_at = UTC_TIMESTAMP();
		END IF;
		IF p_kind <> 'create' AND v_owner IS NOT NULL THEN
			INSERT INTO pymailadmin_outbox
				(account_id, template, address) VALUES
				(v_owner, CONCAT(p_kind, '-filed'), p_address);
		END IF;
	END IF;
	IF own THEN COMMIT; END IF;
	SELECT result;
END $$

-- Reservations of mailboxes that never came to be.
CREATE OR REPLACE PROCEDURE pymailadmin_reservations_clear()
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Housekeeping: owners of what has not been there for a week'
	DELETE o FROM pymailadmin_account_mailbox o
	WHERE o.created_at < UTC_TIMESTAMP() - INTERVAL 7 DAY AND
	NOT EXISTS (SELECT 1 FROM pymailadmin_mailbox m WHERE
		m.address = CAST(o.address AS CHAR)) AND
	NOT EXISTS (SELECT 1 FROM pymailadmin_request r WHERE
		r.open_address = o.address) $$

DELIMITER ;

INSERT IGNORE INTO pymailadmin_schema_version (version, description)
	VALUES (3, 'the portal');
