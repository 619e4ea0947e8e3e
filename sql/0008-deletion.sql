-- pymailadmin's tables, version 8: how the mail host removes mailboxes, and what
-- keeps their addresses from being given to others at once. After
-- 0003-portal.sql; loading it twice is harmless. Load views-default.sql, fitted
-- to your tables, grants-plugin.sql and grants-web.sql again afterwards.
--
-- The procedures run with the rights of whoever loads this file (SQL SECURITY
-- DEFINER): load it as an account that stays. The conventions are those of
-- 0003-portal.sql.

SET NAMES utf8mb4;

CREATE TABLE IF NOT EXISTS pymailadmin_reserved_address (
	address VARCHAR(254) NOT NULL
		COMMENT 'Of a mailbox that was deleted',
	reserved_until DATETIME NOT NULL
		COMMENT 'UTC; then it may become a mailbox or an alias again',
	created_at DATETIME NOT NULL DEFAULT (UTC_TIMESTAMP())
		COMMENT 'UTC, when the mailbox was removed',
	PRIMARY KEY (address) COMMENT 'May it be given to anybody?',
	KEY reserved_until (reserved_until) COMMENT 'Housekeeping',
	CONSTRAINT reserved_address_length
		CHECK (CHAR_LENGTH(address) BETWEEN 3 AND 254)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
	COLLATE utf8mb4_uca1400_nopad_as_ci
	COMMENT='Addresses nobody else is to get mail for, for a time';

ALTER TABLE pymailadmin_request
	ADD COLUMN IF NOT EXISTS home VARCHAR(1024) NULL
		COMMENT 'Of a mailbox whose rows are gone: what may be left of it'
		AFTER quota;

DELIMITER $$

-- As in 0003-portal.sql, and the reserved ones.
CREATE OR REPLACE PROCEDURE pymailadmin_address_taken(
	IN p_address VARCHAR(254) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci,
	OUT taken BOOLEAN)
	READS SQL DATA SQL SECURITY DEFINER
	COMMENT 'Is an address a mailbox, an alias, reserved, or being made one?'
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
	IF NOT taken THEN
		SELECT COUNT(*) > 0 INTO taken FROM pymailadmin_reserved_address
			WHERE address = p_address AND
			reserved_until > UTC_TIMESTAMP() LOCK IN SHARE MODE;
	END IF;
END $$

-- The rows of a mailbox whose keys and mail are gone, only for the process that
-- has claimed its request: aliases that lead to it alone, and what
-- pymailadmin_mailbox_remove() of the views deletes; its owner is told, and its
-- owner no more, when the request ends. From then on
-- the address is reserved, and nobody can say any more where the home was: that
-- is noted. result: done; lost: the request is no longer the
-- caller's. Calling it again changes nothing.
CREATE OR REPLACE PROCEDURE pymailadmin_deletion_finish(
	IN p_id CHAR(32) CHARACTER SET ascii,
	IN p_claimed_by VARCHAR(128) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci,
	IN p_home VARCHAR(1024) CHARACTER SET utf8mb4,
	IN p_reserve_secs INT UNSIGNED)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Removes the rows of a mailbox: done, lost'
BEGIN
	DECLARE own BOOLEAN DEFAULT NOT @@in_transaction;
	DECLARE result VARCHAR(16) CHARACTER SET ascii DEFAULT 'lost';
	DECLARE v_address, v_domain VARCHAR(254) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci;
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
	SELECT COUNT(*) INTO v_count FROM pymailadmin_request
		WHERE id = p_id AND kind = 'delete' AND state = 'rekeying' AND
		claimed_by = p_claimed_by FOR UPDATE;
	IF v_count > 0 THEN
		SET result = 'done';
		UPDATE pymailadmin_request
			SET home = COALESCE(NULLIF(p_home, ''), home)
			WHERE id = p_id;
		-- one with several destinations is the administrator's to change
		DELETE FROM pymailadmin_alias
			WHERE destination = CAST(v_address AS CHAR);
		CALL pymailadmin_mailbox_remove(v_address);
		IF p_reserve_secs > 0 THEN
			INSERT IGNORE INTO pymailadmin_reserved_address
				(address, reserved_until) VALUES (v_address,
				TIMESTAMPADD(SECOND, p_reserve_secs,
					     UTC_TIMESTAMP()));
		END IF;
	END IF;
	IF own THEN COMMIT; END IF;
	SELECT result;
END $$

CREATE OR REPLACE PROCEDURE pymailadmin_address_free(
	IN p_account_id BIGINT UNSIGNED,
	IN p_address VARCHAR(254) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Ends a reservation for a super admin: done, not_found'
BEGIN
	DECLARE own BOOLEAN DEFAULT NOT @@in_transaction;
	DECLARE result VARCHAR(16) CHARACTER SET ascii DEFAULT 'not_found';
	DECLARE v_email VARCHAR(254) CHARACTER SET utf8mb4;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN
		IF own THEN ROLLBACK; END IF;
		RESIGNAL;
	END;

	IF own THEN START TRANSACTION; END IF;
	SELECT MAX(email) INTO v_email FROM pymailadmin_account
		WHERE id = p_account_id AND active AND role = 'super_admin'
		LOCK IN SHARE MODE;
	IF v_email IS NOT NULL THEN
		DELETE FROM pymailadmin_reserved_address
			WHERE address = p_address;
		IF ROW_COUNT() > 0 THEN
			SET result = 'done';
			INSERT INTO pymailadmin_event (actor, address, kind)
				VALUES (v_email, p_address, 'address-freed');
		END IF;
	END IF;
	IF own THEN COMMIT; END IF;
	SELECT result;
END $$

-- As in 0003-portal.sql, and reservations whose time is over.
CREATE OR REPLACE PROCEDURE pymailadmin_reservations_clear()
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Housekeeping: owners of what never was, addresses that are free'
BEGIN
	SET SESSION timestamp = DEFAULT;
	DELETE FROM pymailadmin_reserved_address
		WHERE reserved_until <= UTC_TIMESTAMP();
	DELETE o FROM pymailadmin_account_mailbox o
	WHERE o.created_at < UTC_TIMESTAMP() - INTERVAL 7 DAY AND
	NOT EXISTS (SELECT 1 FROM pymailadmin_mailbox m WHERE
		m.address = CAST(o.address AS CHAR)) AND
	NOT EXISTS (SELECT 1 FROM pymailadmin_request r WHERE
		r.open_address = o.address);
END $$

DELIMITER ;

INSERT IGNORE INTO pymailadmin_schema_version (version, description)
	VALUES (8, 'removing mailboxes');
