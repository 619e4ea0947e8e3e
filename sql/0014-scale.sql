-- pymailadmin's tables, version 14: housekeeping that locks no row it does not
-- change, and indexes for what super admins look at, however many mailboxes and
-- accounts there are. After 0009-mapping.sql;
-- loading it twice is harmless. Nothing else has to be loaded again.

SET NAMES utf8mb4;

ALTER TABLE pymailadmin_account
	ADD INDEX IF NOT EXISTS totp_pending (totp_confirmed_at, totp_secret(1))
		COMMENT 'Housekeeping: second factors that were begun',
	ADD INDEX IF NOT EXISTS active (active)
		COMMENT 'How many cannot log in?';

ALTER TABLE pymailadmin_request
	ADD INDEX IF NOT EXISTS ended_at (state, ended_at)
		COMMENT 'Those that failed, newest first; of the last days';

ALTER TABLE pymailadmin_account_mailbox
	ADD INDEX IF NOT EXISTS created_at (created_at)
		COMMENT 'Housekeeping: owners of what never was';

ALTER TABLE pymailadmin_session
	ADD INDEX IF NOT EXISTS seen_at (seen_at)
		COMMENT 'Housekeeping: sessions nobody uses';

DELIMITER $$

-- As in 0008-deletion.sql. Those that may go are looked for first, as a cursor
-- reads: without a lock on all the others.
CREATE OR REPLACE PROCEDURE pymailadmin_reservations_clear()
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Housekeeping: owners of what never was, addresses that are free'
BEGIN
	DECLARE v_end BOOLEAN DEFAULT FALSE;
	DECLARE v_address VARCHAR(254) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci;
	DECLARE orphans CURSOR FOR
		SELECT o.address FROM pymailadmin_account_mailbox o
		WHERE o.created_at < UTC_TIMESTAMP() - INTERVAL 7 DAY AND
		NOT EXISTS (SELECT 1 FROM pymailadmin_mailbox m WHERE
			m.address = CAST(o.address AS CHAR)) AND
		NOT EXISTS (SELECT 1 FROM pymailadmin_request r WHERE
			r.open_address = o.address)
		LIMIT 5000;
	DECLARE CONTINUE HANDLER FOR NOT FOUND SET v_end = TRUE;

	SET SESSION timestamp = DEFAULT;
	DELETE FROM pymailadmin_reserved_address
		WHERE reserved_until <= UTC_TIMESTAMP() LIMIT 5000;
	OPEN orphans;
	FETCH orphans INTO v_address;
	WHILE NOT v_end DO
		-- it may have been given to somebody since it was read
		DELETE o FROM pymailadmin_account_mailbox o
		WHERE o.address = v_address AND
		o.created_at < UTC_TIMESTAMP() - INTERVAL 7 DAY AND
		NOT EXISTS (SELECT 1 FROM pymailadmin_mailbox m WHERE
			m.address = CAST(v_address AS CHAR)) AND
		NOT EXISTS (SELECT 1 FROM pymailadmin_request r WHERE
			r.open_address = v_address);
		FETCH orphans INTO v_address;
	END WHILE;
	CLOSE orphans;
END $$

DELIMITER ;

INSERT IGNORE INTO pymailadmin_schema_version (version, description)
	VALUES (14, 'housekeeping of many rows');
