-- pymailadmin's tables, version 7: how the mail host makes mailboxes. After
-- 0003-portal.sql; loading it twice is harmless. Load views-default.sql, fitted
-- to your tables, and grants-plugin.sql again afterwards.
--
-- A mailbox is made in the mail server's tables by the procedures
-- pymailadmin_mailbox_* of views-default.sql. Those here call them under the
-- locks of 0003-portal.sql, and only for the process that has claimed the
-- request: one that was held up changes nothing any more. They run with the
-- rights of whoever loads this file (SQL SECURITY DEFINER): load it as an
-- account that stays.

SET NAMES utf8mb4;

DELIMITER $$

-- The row of the mailbox, not active yet, in one transaction with
-- claimed -> switching: what there is of the address from then on is the
-- request's, to finish or to take back. result: done; lost: the request is no
-- longer the caller's; quota, unknown_domain, taken.
CREATE OR REPLACE PROCEDURE pymailadmin_create_begin(
	IN p_id CHAR(32) CHARACTER SET ascii,
	IN p_claimed_by VARCHAR(128) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci,
	IN p_password VARCHAR(512) CHARACTER SET utf8mb4,
	IN p_lease_secs INT UNSIGNED)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Makes the row of a mailbox: done, lost, quota, ...'
BEGIN
	DECLARE own BOOLEAN DEFAULT NOT @@in_transaction;
	DECLARE result VARCHAR(16) CHARACTER SET ascii DEFAULT 'lost';
	DECLARE v_address, v_domain VARCHAR(254) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci;
	DECLARE v_quota BIGINT UNSIGNED;
	DECLARE v_count BIGINT UNSIGNED;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN
		IF own THEN ROLLBACK; END IF;
		RESIGNAL;
	END;

	SET SESSION timestamp = DEFAULT, check_constraint_checks = 1,
		foreign_key_checks = 1, unique_checks = 1;
	IF own THEN START TRANSACTION; END IF;
	SELECT MAX(address) INTO v_address FROM pymailadmin_request
		WHERE id = p_id;
	-- in the order of those that give names, so that none waits for another
	SELECT MAX(name) INTO v_domain FROM pymailadmin_domain
		WHERE name = CAST(SUBSTRING_INDEX(v_address, '@', -1) AS CHAR)
		FOR UPDATE;
	SELECT COUNT(*), MAX(quota) INTO v_count, v_quota
		FROM pymailadmin_request
		WHERE id = p_id AND kind = 'create' AND state = 'claimed' AND
		claimed_by = p_claimed_by FOR UPDATE;
	IF v_count > 0 THEN
		SELECT COUNT(*) INTO v_count FROM pymailadmin_mailbox
			WHERE address = CAST(v_address AS CHAR)
			LOCK IN SHARE MODE;
		IF v_count = 0 THEN
			SELECT COUNT(*) INTO v_count FROM pymailadmin_alias
				WHERE source = CAST(v_address AS CHAR)
				LOCK IN SHARE MODE;
		END IF;
		SET result = CASE
			WHEN v_quota IS NULL THEN 'quota'
			WHEN v_domain IS NULL THEN 'unknown_domain'
			WHEN v_count > 0 THEN 'taken'
			ELSE 'done' END;
	END IF;
	IF result = 'done' THEN
		CALL pymailadmin_mailbox_insert(v_address, p_password, v_quota);
		UPDATE pymailadmin_request SET state = 'switching',
			lease_until = TIMESTAMPADD(SECOND, p_lease_secs,
						   UTC_TIMESTAMP()),
			updated_at = UTC_TIMESTAMP()
			WHERE id = p_id;
	END IF;
	IF own THEN COMMIT; END IF;
	SELECT result;
END $$

-- switching -> switched: keys and folders are there, the row becomes active in
-- the same transaction. The open request keeps the mailbox closed until the
-- auth cache has forgotten that it was not there. result: done, lost;
-- unknown_mailbox: the row is gone.
CREATE OR REPLACE PROCEDURE pymailadmin_create_activate(
	IN p_id CHAR(32) CHARACTER SET ascii,
	IN p_claimed_by VARCHAR(128) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci,
	IN p_password VARCHAR(512) CHARACTER SET utf8mb4,
	IN p_lease_secs INT UNSIGNED)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Activates a mailbox that is made: done, lost, unknown_mailbox'
BEGIN
	DECLARE own BOOLEAN DEFAULT NOT @@in_transaction;
	DECLARE result VARCHAR(16) CHARACTER SET ascii DEFAULT 'lost';
	DECLARE v_address VARCHAR(254) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci;
	DECLARE v_count BIGINT UNSIGNED;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN
		IF own THEN ROLLBACK; END IF;
		RESIGNAL;
	END;

	IF own THEN START TRANSACTION; END IF;
	SELECT MAX(address) INTO v_address FROM pymailadmin_request
		WHERE id = p_id AND kind = 'create' AND state = 'switching' AND
		claimed_by = p_claimed_by FOR UPDATE;
	IF v_address IS NOT NULL THEN
		SELECT COUNT(*) INTO v_count FROM pymailadmin_mailbox
			WHERE address = CAST(v_address AS CHAR) AND
			BINARY password = BINARY p_password FOR UPDATE;
		SET result = IF(v_count > 0, 'done', 'unknown_mailbox');
	END IF;
	IF result = 'done' THEN
		CALL pymailadmin_mailbox_activate(v_address);
		UPDATE pymailadmin_request SET state = 'switched',
			lease_until = TIMESTAMPADD(SECOND, p_lease_secs,
						   UTC_TIMESTAMP()),
			updated_at = UTC_TIMESTAMP()
			WHERE id = p_id;
	END IF;
	IF own THEN COMMIT; END IF;
	SELECT result;
END $$

-- A request that came to nothing: what was made of the mailbox in the tables
-- is taken back, the address is nobody's, the request ends. From switched on
-- there is no way back. p_state: failed, expired, canceled. result: done, lost.
CREATE OR REPLACE PROCEDURE pymailadmin_create_end(
	IN p_id CHAR(32) CHARACTER SET ascii,
	IN p_claimed_by VARCHAR(128) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci,
	IN p_state VARCHAR(16) CHARACTER SET ascii,
	IN p_outcome VARCHAR(32) CHARACTER SET ascii,
	IN p_reason VARCHAR(500) CHARACTER SET utf8mb4)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Ends a request to create that came to nothing: done, lost'
BEGIN
	DECLARE own BOOLEAN DEFAULT NOT @@in_transaction;
	DECLARE result VARCHAR(16) CHARACTER SET ascii DEFAULT 'lost';
	DECLARE v_address VARCHAR(254) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci;
	DECLARE v_state VARCHAR(16) CHARACTER SET ascii;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN
		IF own THEN ROLLBACK; END IF;
		RESIGNAL;
	END;

	IF own THEN START TRANSACTION; END IF;
	SELECT MAX(address), MAX(state) INTO v_address, v_state
		FROM pymailadmin_request
		WHERE id = p_id AND kind = 'create' AND
		state IN ('pending', 'claimed', 'switching') AND
		claimed_by <=> NULLIF(p_claimed_by, '') FOR UPDATE;
	IF v_address IS NOT NULL AND
	   p_state IN ('failed', 'expired', 'canceled') THEN
		SET result = 'done';
		IF v_state = 'switching' THEN
			CALL pymailadmin_mailbox_remove(v_address);
		END IF;
		UPDATE pymailadmin_request SET state = p_state, sealed = NULL,
			claimed_by = NULL, lease_until = NULL, retry_at = NULL,
			outcome = NULLIF(p_outcome, ''),
			reason = NULLIF(p_reason, ''),
			updated_at = UTC_TIMESTAMP(), ended_at = UTC_TIMESTAMP()
			WHERE id = p_id;
		INSERT INTO pymailadmin_event
			(actor, address, kind, request_id, text)
			VALUES ('doveadm', v_address,
				CONCAT('create-', p_state), p_id, p_reason);
		INSERT INTO pymailadmin_outbox (account_id, template, address)
			SELECT COALESCE(o.account_id, r.account_id),
				IF(p_state = 'canceled', 'request-canceled',
				   CONCAT('create-', p_state)), r.address
			FROM pymailadmin_request r
			LEFT JOIN pymailadmin_account_mailbox o
				ON o.address = r.address
			WHERE r.id = p_id AND
			COALESCE(o.account_id, r.account_id) IS NOT NULL;
		DELETE FROM pymailadmin_account_mailbox
			WHERE address = v_address;
	END IF;
	IF own THEN COMMIT; END IF;
	SELECT result;
END $$

-- What of views-default.sql is missing, as an error: only an administrator may
-- call it, and so see it.
CREATE OR REPLACE PROCEDURE pymailadmin_mapping_check()
	READS SQL DATA SQL SECURITY DEFINER
	COMMENT 'An error if a procedure of views-default.sql is missing'
BEGIN
	DECLARE v_missing VARCHAR(128) CHARACTER SET utf8mb4;

	SELECT MAX(w.name) INTO v_missing
		FROM (SELECT 'pymailadmin_mailbox_insert' AS name
		      UNION SELECT 'pymailadmin_mailbox_activate'
		      UNION SELECT 'pymailadmin_mailbox_remove') AS w
		WHERE w.name NOT IN (SELECT ROUTINE_NAME
			FROM information_schema.ROUTINES
			WHERE ROUTINE_SCHEMA = DATABASE());
	IF v_missing IS NOT NULL THEN
		SET v_missing = CONCAT('PROCEDURE ', v_missing,
				       ' does not exist');
		SIGNAL SQLSTATE '42000' SET MESSAGE_TEXT = v_missing;
	END IF;
END $$

DELIMITER ;

INSERT IGNORE INTO pymailadmin_schema_version (version, description)
	VALUES (7, 'making mailboxes');
