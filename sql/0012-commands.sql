-- pymailadmin's tables, version 12: what an administrator's commands on the mail
-- host file. A mailbox is asked for as the portal does, and one that is there is
-- kept closed for a time. After 0008-deletion.sql; loading it twice is harmless.
-- Load grants-plugin.sql again afterwards.
--
-- The procedures run with the rights of whoever loads this file (SQL SECURITY
-- DEFINER): load it as an account that stays. The conventions are those of
-- 0003-portal.sql.

SET NAMES utf8mb4;

ALTER TABLE pymailadmin_request
	MODIFY kind ENUM('password', 'create', 'delete', 'encrypt', 'close')
		NOT NULL
		COMMENT 'What is asked for; the seal is bound to it',
	MODIFY account_id BIGINT UNSIGNED NULL
		COMMENT 'Who asked in the portal, or whom an administrator makes it for',
	MODIFY retry_at DATETIME NULL
		COMMENT 'UTC; not to be claimed before; kind close: it opens then';

-- For the mail host: whose a mailbox is. A right to columns of a table would be
-- one to all of them (0013-rights.sql).
CREATE OR REPLACE ALGORITHM = MERGE SQL SECURITY DEFINER
	VIEW pymailadmin_owner_view AS
	SELECT id, email FROM pymailadmin_account;

DELIMITER $$

-- An administrator of the mail host asks for a mailbox. No limit holds, and no
-- domain has to be given to anybody. p_owner: e-mail address of the account that
-- gets it, '' for none. p_text: who asked, for the history.
CREATE OR REPLACE PROCEDURE pymailadmin_create_file(
	IN p_id CHAR(32) CHARACTER SET ascii,
	IN p_address VARCHAR(254) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci,
	IN p_created BIGINT, IN p_sealed VARBINARY(2048),
	IN p_quota BIGINT UNSIGNED,
	IN p_owner VARCHAR(254) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci,
	IN p_text VARCHAR(500) CHARACTER SET utf8mb4)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Files a request to create: done, malformed, unknown_domain, ...'
BEGIN
	DECLARE own BOOLEAN DEFAULT NOT @@in_transaction;
	DECLARE result VARCHAR(16) CHARACTER SET ascii DEFAULT 'done';
	DECLARE v_domain VARCHAR(254) CHARACTER SET utf8mb4 DEFAULT NULL;
	DECLARE v_owner BIGINT UNSIGNED DEFAULT NULL;
	DECLARE v_count BIGINT UNSIGNED;
	DECLARE v_taken BOOLEAN;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN
		IF own THEN ROLLBACK; END IF;
		RESIGNAL;
	END;

	SET SESSION timestamp = DEFAULT, check_constraint_checks = 1,
		foreign_key_checks = 1, unique_checks = 1;
	IF own THEN START TRANSACTION; END IF;
	IF p_owner <> '' THEN
		SELECT MAX(id) INTO v_owner FROM pymailadmin_account
			WHERE email = p_owner AND active LOCK IN SHARE MODE;
	END IF;
	SELECT MAX(name) INTO v_domain FROM pymailadmin_domain
		WHERE name = CAST(SUBSTRING_INDEX(p_address, '@', -1) AS CHAR)
		FOR UPDATE;
	IF COALESCE(p_address NOT REGEXP
		'(?-i)^[a-z0-9][a-z0-9._-]{0,63}@[a-z0-9][a-z0-9.-]*\\z' OR
	   ABS(p_created - TIMESTAMPDIFF(SECOND, '1970-01-01 00:00:00',
					 UTC_TIMESTAMP())) > 60 OR
	   p_sealed IS NULL OR p_quota IS NULL OR p_owner IS NULL, TRUE) THEN
		SET result = 'malformed';
	ELSEIF v_domain IS NULL THEN
		SET result = 'unknown_domain';
	ELSEIF p_owner <> '' AND v_owner IS NULL THEN
		SET result = 'unknown_owner';
	ELSE
		SELECT COUNT(*) INTO v_count FROM pymailadmin_request
			WHERE open_address = p_address FOR UPDATE;
		IF v_count > 0 THEN
			SET result = 'busy';
		ELSE
			CALL pymailadmin_address_taken(p_address, v_taken);
			SELECT COUNT(*) INTO v_count
				FROM pymailadmin_reserved_address
				WHERE address = p_address AND
				reserved_until > UTC_TIMESTAMP()
				LOCK IN SHARE MODE;
			IF v_taken THEN
				SET result = IF(v_count > 0, 'reserved',
						'taken');
			END IF;
		END IF;
	END IF;
	IF result = 'done' THEN
		INSERT INTO pymailadmin_request (id, kind, address, account_id,
			created_at, sealed, quota) VALUES (p_id, 'create',
			p_address, v_owner, TIMESTAMPADD(SECOND, p_created,
			'1970-01-01 00:00:00'), p_sealed, p_quota);
		INSERT INTO pymailadmin_event
			(actor, address, kind, request_id, text)
			VALUES ('doveadm', p_address, 'create-pending', p_id,
				p_text);
		-- who only reserved it once, and never got it, does not
		DELETE FROM pymailadmin_account_mailbox
			WHERE address = p_address;
		IF v_owner IS NOT NULL THEN
			INSERT INTO pymailadmin_account_mailbox
				(address, account_id)
				VALUES (p_address, v_owner);
		END IF;
	END IF;
	IF own THEN COMMIT; END IF;
	SELECT result;
END $$

-- As in 0001-initial.sql, but only the mail host opens what it closed.
CREATE OR REPLACE PROCEDURE pymailadmin_request_cancel(
	IN request_id CHAR(32) CHARACTER SET ascii)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Cancels a request nobody works on yet'
	UPDATE pymailadmin_request
	SET state = 'canceled', sealed = NULL, outcome = 'canceled',
		reason = 'canceled in the portal',
		updated_at = UTC_TIMESTAMP(), ended_at = UTC_TIMESTAMP()
	WHERE id = request_id AND state = 'pending' AND kind <> 'close' $$

-- As in 0006-notices.sql, with the same exception.
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
			WHERE id = p_id AND kind <> 'close' AND
			ended_at IS NULL AND
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
	VALUES (12, 'commands of the mail host');
