-- pymailadmin's tables, version 11: several mail hosts that share a database,
-- each of which has some of the mailboxes. After 0009-mapping.sql; loading it
-- twice is harmless. Load grants-plugin.sql and grants-web.sql again
-- afterwards.
--
-- Where a mailbox is says pymailadmin_mailbox_backend() of the views' file. This
-- file makes one that says "nowhere in particular", unless there is one already:
-- views from before go on to do for a single mail host.

SET NAMES utf8mb4;

ALTER TABLE pymailadmin_request
	ADD COLUMN IF NOT EXISTS backend VARCHAR(253) NULL
		COMMENT 'Whose hosts work on it; NULL: of those without a name'
		AFTER home,
	ADD INDEX IF NOT EXISTS backend (backend, state, created_at)
		COMMENT 'What the hosts of a backend have to do';

ALTER TABLE pymailadmin_heartbeat
	ADD COLUMN IF NOT EXISTS backend VARCHAR(253) NULL
		COMMENT 'pymailadmin_backend of that host; NULL: none'
		AFTER last_run_at;

DELIMITER $$

-- As in the views' files, which say more, and make it in this mode.
SET @pymailadmin_sql_mode = @@SESSION.sql_mode, SESSION sql_mode =
	CONCAT_WS(',', @@sql_mode, 'STRICT_ALL_TABLES') $$

CREATE FUNCTION IF NOT EXISTS pymailadmin_mailbox_backend(
	p_domain VARCHAR(254) CHARACTER SET utf8mb4,
	p_address VARCHAR(254) CHARACTER SET utf8mb4)
	RETURNS VARCHAR(253) CHARACTER SET utf8mb4
	READS SQL DATA SQL SECURITY DEFINER
	COMMENT 'Which mail host a mailbox is on; NULL: there is only one'
	RETURN NULL $$

SET SESSION sql_mode = @pymailadmin_sql_mode $$

CREATE OR REPLACE FUNCTION pymailadmin_backend_of(
	p_address VARCHAR(254) CHARACTER SET utf8mb4)
	RETURNS VARCHAR(253) CHARACTER SET utf8mb4
	READS SQL DATA SQL SECURITY DEFINER
	COMMENT 'Which mail host a mailbox is on, or will be; NULL: unsaid'
	RETURN NULLIF(pymailadmin_mailbox_backend(
		CAST(SUBSTRING_INDEX(p_address, '@', -1) AS CHAR),
		CAST(p_address AS CHAR)), '') $$

-- Whoever files a request, it is for the hosts that have the mailbox.
CREATE OR REPLACE TRIGGER pymailadmin_request_finds_its_backend
	BEFORE INSERT ON pymailadmin_request FOR EACH ROW
	SET NEW.backend = pymailadmin_backend_of(NEW.address) $$

-- Nothing is begun by a host that no longer has the mailbox: of a deletion, rows
-- would go whose mail is elsewhere. What has begun stays where its journal is.
CREATE OR REPLACE TRIGGER pymailadmin_request_begins_at_its_backend
	BEFORE UPDATE ON pymailadmin_request FOR EACH ROW
BEGIN
	IF OLD.state IN ('pending', 'claimed') AND
	   NEW.state IN ('switching', 'rekeying', 'storing') AND
	   NOT NEW.backend <=> pymailadmin_backend_of(NEW.address) THEN
		SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT =
			'the mailbox has moved to another mail host';
	END IF;
END $$

-- Takes a request, seen in a state and with an owner ('' for none), for a
-- process of a backend ('' for none) - if the mailbox still is there. If not,
-- its new hosts get what has not begun, and stored mail that is encrypted with
-- the mailbox open. From a process of another host it is taken when the lease is
-- over, and not before, whatever it was when it was seen; of its own host's
-- processes (owners are host/pid/...) who calls knows which are gone. result:
-- done; lost: somebody else has it; moved: it is now another backend's;
-- elsewhere: it always was.
CREATE OR REPLACE PROCEDURE pymailadmin_request_claim(
	IN p_id CHAR(32) CHARACTER SET ascii,
	IN p_state VARCHAR(16) CHARACTER SET ascii,
	IN p_seen VARCHAR(128) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci,
	IN p_claimed_by VARCHAR(128) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci,
	IN p_backend VARCHAR(253) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci,
	IN p_lease_secs INT UNSIGNED)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Takes a request for a process: done, lost, moved, elsewhere'
BEGIN
	DECLARE own BOOLEAN DEFAULT NOT @@in_transaction;
	DECLARE result VARCHAR(16) CHARACTER SET ascii DEFAULT 'lost';
	DECLARE v_address VARCHAR(254) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci;
	DECLARE v_backend, v_now VARCHAR(253) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN
		IF own THEN ROLLBACK; END IF;
		RESIGNAL;
	END;

	SET SESSION timestamp = DEFAULT;
	IF own THEN START TRANSACTION; END IF;
	SELECT MAX(address), MAX(backend) INTO v_address, v_backend
		FROM pymailadmin_request
		WHERE id = p_id AND state = p_state AND
		state NOT IN ('done', 'failed', 'expired', 'canceled') AND
		claimed_by <=> NULLIF(p_seen, '') AND
		(claimed_by IS NULL OR
		 COALESCE(lease_until <= UTC_TIMESTAMP(), TRUE) OR
		 SUBSTRING_INDEX(claimed_by, '/', 1) =
			SUBSTRING_INDEX(p_claimed_by, '/', 1)) FOR UPDATE;
	IF v_address IS NOT NULL THEN
		SET v_now = v_backend;
		IF p_state IN ('pending', 'claimed', 'storing') THEN
			SET v_now = pymailadmin_backend_of(v_address);
		END IF;
		IF NOT v_now <=> v_backend THEN
			UPDATE pymailadmin_request SET backend = v_now,
				state = IF(state = 'claimed', 'pending', state),
				claimed_by = NULL, lease_until = NULL,
				retry_at = NULL, updated_at = UTC_TIMESTAMP()
				WHERE id = p_id;
			SET result = 'moved';
		ELSEIF NOT v_now <=> NULLIF(p_backend, '') THEN
			SET result = 'elsewhere';
		ELSE
			UPDATE pymailadmin_request SET
				claimed_by = p_claimed_by,
				lease_until = TIMESTAMPADD(SECOND, p_lease_secs,
							   UTC_TIMESTAMP()),
				attempts = attempts + 1, retry_at = NULL,
				updated_at = UTC_TIMESTAMP(),
				state = IF(state = 'pending', 'claimed', state)
				WHERE id = p_id;
			SET result = 'done';
		END IF;
	END IF;
	IF own THEN COMMIT; END IF;
	SELECT result;
END $$

-- What of the views' file is missing, as an error: only an administrator may
-- call it, and so see it.
CREATE OR REPLACE PROCEDURE pymailadmin_mapping_check()
	READS SQL DATA SQL SECURITY DEFINER
	COMMENT 'An error if a routine of views-default.sql is missing'
BEGIN
	DECLARE v_missing VARCHAR(128) CHARACTER SET utf8mb4;

	SELECT MAX(w.name) INTO v_missing
		FROM (SELECT 'PROCEDURE pymailadmin_mailbox_insert' AS name
		      UNION SELECT 'PROCEDURE pymailadmin_mailbox_activate'
		      UNION SELECT 'PROCEDURE pymailadmin_mailbox_remove'
		      UNION SELECT 'PROCEDURE pymailadmin_alias_insert'
		      UNION SELECT 'FUNCTION pymailadmin_mailbox_backend') AS w
		WHERE w.name NOT IN (SELECT
			CONCAT(ROUTINE_TYPE, ' ', ROUTINE_NAME)
			FROM information_schema.ROUTINES
			WHERE ROUTINE_SCHEMA = DATABASE());
	IF v_missing IS NOT NULL THEN
		SET v_missing = CONCAT(v_missing, ' does not exist');
		SIGNAL SQLSTATE '42000' SET MESSAGE_TEXT = v_missing;
	END IF;
END $$

DELIMITER ;

INSERT IGNORE INTO pymailadmin_schema_version (version, description)
	VALUES (11, 'several mail hosts');
