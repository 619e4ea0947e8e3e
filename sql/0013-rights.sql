-- pymailadmin's tables, version 13: what of a table may be read is a view of its
-- own, and an address ends where its pattern ends. After 0011-backends.sql;
-- loading it twice is harmless. Load grants-plugin.sql and grants-web.sql again
-- afterwards.
--
-- A right to read some columns of a table is none: MariaDB's HANDLER statement
-- reads whole rows with it. So nobody has such a right, but to a view with these
-- columns, on which HANDLER does not work. A column that is new in a table is
-- added here by replacing the view in a new file.
--
-- In the procedures the pattern ended with $, which also is before a newline at
-- the end; nothing else is new in them.

SET NAMES utf8mb4;

-- For the portal: all but the sealed part and who works on it.
CREATE OR REPLACE ALGORITHM = MERGE SQL SECURITY DEFINER
	VIEW pymailadmin_request_view AS
	SELECT id, kind, address, account_id, state, created_at, quota, outcome,
		retry_at, mails_done, mails_total, bytes_done, bytes_total,
		storing_since, updated_at, ended_at, open_address, backend
	FROM pymailadmin_request;

-- For the portal: all but the hash of the password.
CREATE OR REPLACE ALGORITHM = MERGE SQL SECURITY DEFINER
	VIEW pymailadmin_registration_view AS
	SELECT id, email, language, reason, network, invitation_id, token_hash,
		created_at, confirmed_at, expires_at
	FROM pymailadmin_registration;

-- For the portal: all but the hash of the code.
CREATE OR REPLACE ALGORITHM = MERGE SQL SECURITY DEFINER
	VIEW pymailadmin_invitation_view AS
	SELECT id, account_id, note, domains, uses, used, created_at, expires_at
	FROM pymailadmin_invitation;

-- For the mail host: who may ask for a deletion without a password.
CREATE OR REPLACE ALGORITHM = MERGE SQL SECURITY DEFINER
	VIEW pymailadmin_account_view AS
	SELECT id, role, active FROM pymailadmin_account;

DELIMITER $$

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
		'(?-i)^([a-z0-9][a-z0-9._-]{0,63})?@[a-z0-9][a-z0-9.-]*\\z' OR
	   SUBSTRING_INDEX(p_source, '@', -1) <>
		SUBSTRING_INDEX(p_address, '@', -1) OR
	   (p_source LIKE '@%' AND NOT p_super), TRUE) THEN
		SET result = 'malformed';
	ELSE
		CALL pymailadmin_address_taken(p_source, taken);
		SET result = IF(taken, 'taken', 'done');
	END IF;
END $$

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
		'(?-i)^[a-z0-9][a-z0-9._-]{0,63}@[a-z0-9][a-z0-9.-]*\\z' THEN
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

CREATE OR REPLACE PROCEDURE pymailadmin_registration_file(
	IN p_email VARCHAR(254) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci,
	IN p_password VARCHAR(255) CHARACTER SET ascii,
	IN p_language VARCHAR(8) CHARACTER SET ascii,
	IN p_reason VARCHAR(1000) CHARACTER SET utf8mb4,
	IN p_network VARCHAR(64) CHARACTER SET ascii,
	IN p_code_hash BINARY(32), IN p_secs INT UNSIGNED)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Files a registration: done, malformed, invitation'
BEGIN
	DECLARE own BOOLEAN DEFAULT NOT @@in_transaction;
	DECLARE result VARCHAR(16) CHARACTER SET ascii DEFAULT 'done';
	DECLARE v_invitation, v_account BIGINT UNSIGNED DEFAULT NULL;
	DECLARE v_left, v_open BIGINT DEFAULT 0;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION
		BEGIN IF own THEN ROLLBACK; END IF; RESIGNAL; END;

	SET SESSION timestamp = DEFAULT, check_constraint_checks = 1,
		foreign_key_checks = 1, unique_checks = 1;
	IF own THEN START TRANSACTION; END IF;
	IF COALESCE(p_email NOT REGEXP
		'^[^[:space:][:cntrl:]@]+@[^[:space:][:cntrl:]@]+\\z' OR
	   CHAR_LENGTH(p_reason) = 0 OR p_secs = 0, TRUE) THEN
		SET result = 'malformed';
	ELSEIF p_code_hash IS NOT NULL THEN
		SELECT id, account_id, CAST(uses AS SIGNED) - used
			INTO v_invitation, v_account, v_left
			FROM pymailadmin_invitation
			WHERE code_hash = p_code_hash AND
			expires_at > UTC_TIMESTAMP() FOR UPDATE;
		SELECT COUNT(*) INTO v_open FROM pymailadmin_registration
			WHERE invitation_id = v_invitation AND
			confirmed_at IS NULL AND expires_at > UTC_TIMESTAMP()
			LOCK IN SHARE MODE;
		IF v_left <= v_open OR NOT EXISTS (
			SELECT 1 FROM pymailadmin_account
			WHERE id = v_account AND active AND
			role <> 'user' LOCK IN SHARE MODE) THEN
			SET result = 'invitation';
		END IF;
	END IF;
	IF result = 'done' THEN
		INSERT INTO pymailadmin_registration (email, password, language,
			reason, network, invitation_id, expires_at) VALUES
			(p_email, p_password, p_language, p_reason, p_network,
			 v_invitation, UTC_TIMESTAMP() + INTERVAL p_secs SECOND);
		INSERT INTO pymailadmin_outbox (recipient, template, args)
			VALUES (p_email, 'registration', JSON_OBJECT(
				'registration', LAST_INSERT_ID(),
				'language', p_language));
	END IF;
	IF own THEN COMMIT; END IF;
	SELECT result;
END $$

DELIMITER ;

INSERT IGNORE INTO pymailadmin_schema_version (version, description)
	VALUES (13, 'views of what may be read');
