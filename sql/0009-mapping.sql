-- pymailadmin's tables, version 9: an alias is inserted by a procedure of the
-- views' file, because in some schemas no view can take it. Nothing else is
-- new in pymailadmin_alias_add. After 0007-creation.sql; loading it twice is
-- harmless.
--
-- Load views-default.sql, or the one for your tables, again as well: without
-- its pymailadmin_alias_insert no alias can be added.

SET NAMES utf8mb4;

DELIMITER $$

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
		CALL pymailadmin_alias_insert(v_address, p_source);
		INSERT INTO pymailadmin_event (actor, address, kind, text)
			VALUES (v_email, v_address, 'alias-add', p_source);
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
		      UNION SELECT 'pymailadmin_mailbox_remove'
		      UNION SELECT 'pymailadmin_alias_insert') AS w
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
	VALUES (9, 'mappings of more schemas');
