-- pymailadmin's tables, version 4: people ask for an account in the portal, and
-- moderators decide. After 0003-portal.sql; loading it twice is harmless. Load
-- grants-web.sql again afterwards.
--
-- What 0003-portal.sql says of its procedures goes for these too.
--
-- A registration is a row from the moment its form was sent; the token of its
-- link is made with the mail. Once confirmed, it waits for a moderator as long
-- as it takes. Several may be open for an address, for anybody can type it:
-- each link confirms what was typed for that one.

SET NAMES utf8mb4;

CREATE TABLE IF NOT EXISTS pymailadmin_invitation (
	id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT
		COMMENT 'What registrations refer to',
	account_id BIGINT UNSIGNED NOT NULL
		COMMENT 'Who made it; it is worth what that account is',
	code_hash BINARY(32) NOT NULL
		COMMENT 'HMAC-SHA-256 of the code with the portal''s secret key',
	note VARCHAR(100) NOT NULL DEFAULT ''
		COMMENT 'Whom it is for, in the words of who made it',
	domains TEXT NOT NULL
		COMMENT 'JSON array of names: what is proposed to the moderator',
	uses SMALLINT UNSIGNED NOT NULL
		COMMENT 'How many registrations it is good for',
	used SMALLINT UNSIGNED NOT NULL DEFAULT 0
		COMMENT 'How many of them were confirmed',
	created_at DATETIME NOT NULL DEFAULT (UTC_TIMESTAMP())
		COMMENT 'UTC',
	expires_at DATETIME NOT NULL COMMENT 'UTC',
	PRIMARY KEY (id) COMMENT 'What registrations refer to',
	UNIQUE KEY code_hash (code_hash) COMMENT 'The code',
	KEY account_id (account_id) COMMENT 'Those of an account',
	KEY expires_at (expires_at) COMMENT 'Housekeeping',
	CONSTRAINT invitation_account FOREIGN KEY (account_id)
		REFERENCES pymailadmin_account (id) ON DELETE CASCADE,
	CONSTRAINT invitation_domains_json CHECK (JSON_VALID(domains)),
	CONSTRAINT invitation_uses CHECK (uses BETWEEN 1 AND 1000),
	CONSTRAINT invitation_used CHECK (used <= uses)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4
	COLLATE utf8mb4_uca1400_nopad_as_ci
	COMMENT='Codes without which nobody can register, if the portal says so';

ALTER TABLE pymailadmin_registration
	MODIFY token_hash BINARY(32) NULL
		COMMENT 'SHA-256 of what the link carries; NULL: none is out',
	MODIFY expires_at DATETIME NOT NULL
		COMMENT 'UTC; of no meaning once it is confirmed',
	ADD COLUMN IF NOT EXISTS network VARCHAR(64) CHARACTER SET ascii
		COLLATE ascii_bin NOT NULL DEFAULT ''
		COMMENT 'Where it came from, for the moderator'
		AFTER reason,
	ADD COLUMN IF NOT EXISTS invitation_id BIGINT UNSIGNED NULL
		COMMENT 'The code it came with'
		AFTER network,
	ADD COLUMN IF NOT EXISTS reminded_at DATETIME NULL
		COMMENT 'UTC; NULL: moderators were told of it once'
		AFTER confirmed_at,
	ADD COLUMN IF NOT EXISTS waiting_email VARCHAR(254)
		GENERATED ALWAYS AS (IF(confirmed_at IS NULL, NULL, email))
		STORED
		COMMENT 'The address once it is confirmed, else NULL',
	DROP INDEX IF EXISTS email,
	ADD INDEX IF NOT EXISTS open_email (email)
		COMMENT 'All that were typed for an address',
	ADD UNIQUE INDEX IF NOT EXISTS waiting_email (waiting_email)
		COMMENT 'One that waits for a moderator per address',
	ADD INDEX IF NOT EXISTS confirmed_at (confirmed_at, id)
		COMMENT 'The moderators'' queue, oldest first',
	ADD INDEX IF NOT EXISTS invitation_id (invitation_id)
		COMMENT 'Those of a code',
	ADD CONSTRAINT registration_invitation
		FOREIGN KEY IF NOT EXISTS (invitation_id)
		REFERENCES pymailadmin_invitation (id) ON DELETE SET NULL;

DELIMITER $$

-- Locks the account of who decides. result: done, not_found.
CREATE OR REPLACE PROCEDURE pymailadmin_moderator_lock(
	IN p_account_id BIGINT UNSIGNED,
	OUT v_email VARCHAR(254) CHARACTER SET utf8mb4,
	OUT v_super BOOLEAN, OUT result VARCHAR(16) CHARACTER SET ascii)
	READS SQL DATA SQL SECURITY DEFINER
	COMMENT 'Is the account a moderator''s?'
BEGIN
	SET v_email = NULL, v_super = FALSE;
	SELECT email, role = 'super_admin' INTO v_email, v_super
		FROM pymailadmin_account WHERE id = p_account_id AND active AND
		role IN ('admin', 'super_admin') LOCK IN SHARE MODE;
	SET result = IF(v_email IS NULL, 'not_found', 'done');
END $$

-- May the account give these domains, a JSON array of names? result: done,
-- domains. A name that is none, or another's, spoils them all.
CREATE OR REPLACE PROCEDURE pymailadmin_domains_check(
	IN p_account_id BIGINT UNSIGNED, IN p_super BOOLEAN,
	IN p_domains TEXT CHARACTER SET utf8mb4,
	OUT result VARCHAR(16) CHARACTER SET ascii)
	READS SQL DATA SQL SECURITY DEFINER
	COMMENT 'May a moderator give these domains?'
BEGIN
	DECLARE v_wrong BIGINT UNSIGNED;

	SET result = 'domains';
	IF COALESCE(JSON_VALID(p_domains) AND
		    JSON_TYPE(p_domains) = 'ARRAY' AND
		    JSON_LENGTH(p_domains) <= 100, FALSE) THEN
		SELECT COUNT(*) INTO v_wrong FROM JSON_TABLE(p_domains, '$[*]'
			COLUMNS (name VARCHAR(253) PATH '$')) j
		WHERE j.name IS NULL OR NOT EXISTS (
			SELECT 1 FROM pymailadmin_domain d
			WHERE d.name = CAST(j.name AS CHAR) AND
			LOWER(CONVERT(d.name USING utf8mb4)) =
			LOWER(j.name) COLLATE utf8mb4_nopad_bin LOCK IN SHARE MODE)
		OR NOT (p_super OR EXISTS (
			SELECT 1 FROM pymailadmin_account_domain ad
			WHERE ad.account_id = p_account_id AND
			ad.domain = CAST(j.name AS CHAR) LOCK IN SHARE MODE));
		SET result = IF(v_wrong = 0, 'done', 'domains');
	END IF;
END $$

-- A mail to each moderator who has no such mail waiting already.
CREATE OR REPLACE PROCEDURE pymailadmin_moderators_tell(
	IN p_template VARCHAR(32) CHARACTER SET ascii)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Has a mail sent to all moderators'
	INSERT INTO pymailadmin_outbox (account_id, template)
	SELECT a.id, p_template FROM pymailadmin_account a
	WHERE a.active AND a.role IN ('admin', 'super_admin') AND
	NOT EXISTS (SELECT 1 FROM pymailadmin_outbox o
		WHERE o.account_id = a.id AND o.sent_at IS NULL AND
		o.template = p_template) $$

-- The form was sent. The same is done for addresses that are known and for
-- others. p_code_hash is NULL where no invitation is wanted; one is lent out
-- until the registration is confirmed or expires.
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
		'^[^[:space:][:cntrl:]@]+@[^[:space:][:cntrl:]@]+$' OR
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

-- The mail is about to be made: its link, which ends an older one and is good
-- for p_secs from now; or what to write instead, if nothing can be confirmed.
CREATE OR REPLACE PROCEDURE pymailadmin_registration_link(
	IN p_id BIGINT UNSIGNED, IN p_token_hash BINARY(32),
	IN p_secs INT UNSIGNED)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Makes a link: done, account, waiting, not_found'
BEGIN
	DECLARE own BOOLEAN DEFAULT NOT @@in_transaction;
	DECLARE result VARCHAR(16) CHARACTER SET ascii DEFAULT 'not_found';
	DECLARE v_email VARCHAR(254) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci DEFAULT NULL;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION
		BEGIN IF own THEN ROLLBACK; END IF; RESIGNAL; END;

	SET SESSION timestamp = DEFAULT, check_constraint_checks = 1,
		foreign_key_checks = 1, unique_checks = 1;
	IF own THEN START TRANSACTION; END IF;
	SELECT email INTO v_email FROM pymailadmin_registration
		WHERE id = p_id AND confirmed_at IS NULL AND
		expires_at > UTC_TIMESTAMP() FOR UPDATE;
	IF v_email IS NOT NULL THEN
		SET result = IF(EXISTS (SELECT 1 FROM pymailadmin_account
			WHERE email = v_email), 'account',
			IF(EXISTS (SELECT 1 FROM pymailadmin_registration
				WHERE waiting_email = v_email), 'waiting',
			'done'));
	END IF;
	IF result = 'done' THEN
		UPDATE pymailadmin_registration SET token_hash = p_token_hash,
			expires_at = UTC_TIMESTAMP() + INTERVAL p_secs SECOND
			WHERE id = p_id;
	END IF;
	IF own THEN COMMIT; END IF;
	SELECT result;
END $$

-- The button behind the link was pressed. Once: the token is gone then.
CREATE OR REPLACE PROCEDURE pymailadmin_registration_confirm(
	IN p_token_hash BINARY(32))
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Confirms a registration: done, not_found, account, waiting'
BEGIN
	DECLARE own BOOLEAN DEFAULT NOT @@in_transaction;
	DECLARE result VARCHAR(16) CHARACTER SET ascii DEFAULT 'not_found';
	DECLARE v_id, v_invitation BIGINT UNSIGNED DEFAULT NULL;
	DECLARE v_email VARCHAR(254) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci DEFAULT NULL;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION
		BEGIN IF own THEN ROLLBACK; END IF; RESIGNAL; END;

	SET SESSION timestamp = DEFAULT, check_constraint_checks = 1,
		foreign_key_checks = 1, unique_checks = 1;
	IF own THEN START TRANSACTION; END IF;
	-- the code before the row, as who files with it does
	SELECT id, invitation_id INTO v_id, v_invitation
		FROM pymailadmin_registration WHERE token_hash = p_token_hash;
	SELECT id INTO v_invitation FROM pymailadmin_invitation
		WHERE id = v_invitation FOR UPDATE;
	SELECT email INTO v_email FROM pymailadmin_registration
		WHERE id = v_id AND token_hash = p_token_hash AND
		confirmed_at IS NULL AND expires_at > UTC_TIMESTAMP()
		FOR UPDATE;
	IF v_email IS NOT NULL THEN
		SET result = IF(EXISTS (SELECT 1 FROM pymailadmin_account
			WHERE email = v_email), 'account', 'done');
	END IF;
	IF result = 'done' THEN BEGIN
		-- another of this address, confirmed at the same time
		DECLARE CONTINUE HANDLER FOR 1062 SET result = 'waiting';

		UPDATE pymailadmin_registration SET token_hash = NULL,
			confirmed_at = UTC_TIMESTAMP() WHERE id = v_id;
	END; END IF;
	IF result = 'done' THEN
		DELETE FROM pymailadmin_registration
			WHERE email = v_email AND confirmed_at IS NULL;
		UPDATE pymailadmin_invitation SET used = used + 1
			WHERE id = v_invitation;
		INSERT INTO pymailadmin_event (actor, kind)
			VALUES (v_email, 'registration-confirmed');
		CALL pymailadmin_moderators_tell('registration-waiting');
	END IF;
	IF own THEN COMMIT; END IF;
	SELECT result;
END $$

-- A moderator makes an account of it, with domains that are the moderator's to
-- give. Limits may be NULL: what the portal is set to.
CREATE OR REPLACE PROCEDURE pymailadmin_registration_accept(
	IN p_account_id BIGINT UNSIGNED, IN p_id BIGINT UNSIGNED,
	IN p_domains TEXT CHARACTER SET utf8mb4,
	IN p_max_mailboxes SMALLINT UNSIGNED,
	IN p_max_aliases SMALLINT UNSIGNED)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Accepts a registration: done, not_found, domains, account'
BEGIN
	DECLARE own BOOLEAN DEFAULT NOT @@in_transaction;
	DECLARE result VARCHAR(16) CHARACTER SET ascii;
	DECLARE v_actor, v_email VARCHAR(254) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci DEFAULT NULL;
	DECLARE v_super BOOLEAN;
	DECLARE v_id BIGINT UNSIGNED;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION
		BEGIN IF own THEN ROLLBACK; END IF; RESIGNAL; END;

	SET SESSION timestamp = DEFAULT, check_constraint_checks = 1,
		foreign_key_checks = 1, unique_checks = 1;
	IF own THEN START TRANSACTION; END IF;
	CALL pymailadmin_moderator_lock(p_account_id, v_actor, v_super, result);
	IF result = 'done' THEN
		SELECT waiting_email INTO v_email FROM pymailadmin_registration
			WHERE id = p_id AND confirmed_at IS NOT NULL FOR UPDATE;
		SET result = IF(v_email IS NULL, 'not_found', 'done');
	END IF;
	IF result = 'done' THEN
		CALL pymailadmin_domains_check(p_account_id, v_super,
					       p_domains, result);
	END IF;
	-- who may do nothing there has no use for an account
	IF result = 'done' AND JSON_LENGTH(p_domains) = 0 THEN
		SET result = 'domains';
	END IF;
	IF result = 'done' AND EXISTS (SELECT 1 FROM pymailadmin_account
			WHERE email = v_email) THEN
		SET result = 'account';
	END IF;
	IF result = 'done' THEN
		INSERT INTO pymailadmin_account (email, password, role,
			language, max_mailboxes, max_aliases)
			SELECT email, password, 'user', language,
			p_max_mailboxes, p_max_aliases
			FROM pymailadmin_registration WHERE id = p_id;
		SET v_id = LAST_INSERT_ID();
		INSERT IGNORE INTO pymailadmin_account_domain
			(account_id, domain)
			SELECT v_id, j.name FROM JSON_TABLE(p_domains, '$[*]'
				COLUMNS (name VARCHAR(253) PATH '$')) j;
		DELETE FROM pymailadmin_registration WHERE id = p_id;
		INSERT INTO pymailadmin_event (actor, kind, text) VALUES
			(v_actor, 'registration-accepted',
			 LEFT(CONCAT(v_email, ' ', p_domains), 500));
		INSERT INTO pymailadmin_outbox (account_id, template)
			VALUES (v_id, 'registration-accepted');
	END IF;
	IF own THEN COMMIT; END IF;
	SELECT result;
END $$

-- A moderator declines it, and it is gone: with a message by mail, or silently
-- if that is NULL.
CREATE OR REPLACE PROCEDURE pymailadmin_registration_decline(
	IN p_account_id BIGINT UNSIGNED, IN p_id BIGINT UNSIGNED,
	IN p_message TEXT CHARACTER SET utf8mb4)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Declines a registration: done, not_found, malformed'
BEGIN
	DECLARE own BOOLEAN DEFAULT NOT @@in_transaction;
	DECLARE result VARCHAR(16) CHARACTER SET ascii;
	DECLARE v_actor, v_email VARCHAR(254) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci DEFAULT NULL;
	DECLARE v_language VARCHAR(8) CHARACTER SET ascii;
	DECLARE v_super BOOLEAN;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION
		BEGIN IF own THEN ROLLBACK; END IF; RESIGNAL; END;

	SET SESSION timestamp = DEFAULT, check_constraint_checks = 1,
		foreign_key_checks = 1, unique_checks = 1;
	IF own THEN START TRANSACTION; END IF;
	CALL pymailadmin_moderator_lock(p_account_id, v_actor, v_super, result);
	IF result = 'done' AND COALESCE(
		CHAR_LENGTH(p_message) NOT BETWEEN 1 AND 900, FALSE) THEN
		SET result = 'malformed';
	END IF;
	IF result = 'done' THEN
		SELECT waiting_email, language INTO v_email, v_language
			FROM pymailadmin_registration
			WHERE id = p_id AND confirmed_at IS NOT NULL FOR UPDATE;
		SET result = IF(v_email IS NULL, 'not_found', 'done');
	END IF;
	IF result = 'done' THEN
		DELETE FROM pymailadmin_registration WHERE id = p_id;
		INSERT INTO pymailadmin_event (actor, kind, text)
			VALUES (v_actor, IF(p_message IS NULL,
				'registration-dropped',
				'registration-declined'), v_email);
		IF p_message IS NOT NULL THEN
			INSERT INTO pymailadmin_outbox (recipient, template,
				args) VALUES (v_email, 'registration-declined',
				JSON_OBJECT('language', v_language,
					    'message', p_message));
		END IF;
	END IF;
	IF own THEN COMMIT; END IF;
	SELECT result;
END $$

-- Moderators are told a second time of what waits for so long; and what was not
-- confirmed in time goes, with old codes.
CREATE OR REPLACE PROCEDURE pymailadmin_registrations_keep(
	IN p_secs INT UNSIGNED)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Housekeeping: reminds moderators, deletes what has expired'
BEGIN
	DECLARE own BOOLEAN DEFAULT NOT @@in_transaction;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION
		BEGIN IF own THEN ROLLBACK; END IF; RESIGNAL; END;

	SET SESSION timestamp = DEFAULT;
	IF own THEN START TRANSACTION; END IF;
	DELETE FROM pymailadmin_registration
		WHERE confirmed_at IS NULL AND expires_at < UTC_TIMESTAMP();
	DELETE FROM pymailadmin_invitation
		WHERE expires_at < UTC_TIMESTAMP() - INTERVAL 30 DAY;
	UPDATE pymailadmin_registration SET reminded_at = UTC_TIMESTAMP()
		WHERE reminded_at IS NULL AND confirmed_at <=
		UTC_TIMESTAMP() - INTERVAL p_secs SECOND;
	IF ROW_COUNT() > 0 THEN
		CALL pymailadmin_moderators_tell('registration-reminder');
	END IF;
	IF own THEN COMMIT; END IF;
END $$

-- Names of domains as a JSON array; they are only proposed, and may be none.
CREATE OR REPLACE PROCEDURE pymailadmin_invitation_add(
	IN p_account_id BIGINT UNSIGNED, IN p_code_hash BINARY(32),
	IN p_note VARCHAR(100) CHARACTER SET utf8mb4,
	IN p_uses INT UNSIGNED, IN p_secs INT UNSIGNED,
	IN p_domains TEXT CHARACTER SET utf8mb4)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Makes a code: done, not_found, domains, malformed, limit'
BEGIN
	DECLARE own BOOLEAN DEFAULT NOT @@in_transaction;
	DECLARE result VARCHAR(16) CHARACTER SET ascii;
	DECLARE v_actor VARCHAR(254) CHARACTER SET utf8mb4;
	DECLARE v_super BOOLEAN;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION
		BEGIN IF own THEN ROLLBACK; END IF; RESIGNAL; END;

	SET SESSION timestamp = DEFAULT, check_constraint_checks = 1,
		foreign_key_checks = 1, unique_checks = 1;
	IF own THEN START TRANSACTION; END IF;
	CALL pymailadmin_moderator_lock(p_account_id, v_actor, v_super, result);
	IF result = 'done' AND COALESCE(p_code_hash IS NULL OR p_note IS NULL OR
		p_uses NOT BETWEEN 1 AND 1000 OR
		p_secs NOT BETWEEN 60 AND 366 * 86400, TRUE) THEN
		SET result = 'malformed';
	END IF;
	IF result = 'done' THEN
		CALL pymailadmin_domains_check(p_account_id, v_super,
					       p_domains, result);
	END IF;
	IF result = 'done' AND (SELECT COUNT(*) FROM pymailadmin_invitation
		WHERE account_id = p_account_id AND
		expires_at > UTC_TIMESTAMP()) >= 100 THEN
		SET result = 'limit';
	END IF;
	IF result = 'done' THEN
		INSERT INTO pymailadmin_invitation (account_id, code_hash, note,
			domains, uses, expires_at) VALUES (p_account_id,
			p_code_hash, p_note, p_domains, p_uses,
			UTC_TIMESTAMP() + INTERVAL p_secs SECOND);
		INSERT INTO pymailadmin_event (actor, kind, text)
			VALUES (v_actor, 'invitation-made', LEFT(CONCAT(
				p_uses, ' ', p_domains, ' ', p_note), 500));
	END IF;
	IF own THEN COMMIT; END IF;
	SELECT result;
END $$

-- One's own; a super admin ends any.
CREATE OR REPLACE PROCEDURE pymailadmin_invitation_end(
	IN p_account_id BIGINT UNSIGNED, IN p_id BIGINT UNSIGNED)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Ends a code: done, not_found'
BEGIN
	DECLARE own BOOLEAN DEFAULT NOT @@in_transaction;
	DECLARE result VARCHAR(16) CHARACTER SET ascii;
	DECLARE v_actor VARCHAR(254) CHARACTER SET utf8mb4;
	DECLARE v_super BOOLEAN;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION
		BEGIN IF own THEN ROLLBACK; END IF; RESIGNAL; END;

	SET SESSION timestamp = DEFAULT;
	IF own THEN START TRANSACTION; END IF;
	CALL pymailadmin_moderator_lock(p_account_id, v_actor, v_super, result);
	IF result = 'done' THEN
		UPDATE pymailadmin_invitation SET expires_at = UTC_TIMESTAMP()
			WHERE id = p_id AND expires_at > UTC_TIMESTAMP() AND
			(v_super OR account_id = p_account_id);
		SET result = IF(ROW_COUNT() = 0, 'not_found', 'done');
	END IF;
	IF result = 'done' THEN
		INSERT INTO pymailadmin_event (actor, kind, text)
			SELECT v_actor, 'invitation-ended', note
			FROM pymailadmin_invitation WHERE id = p_id;
	END IF;
	IF own THEN COMMIT; END IF;
	SELECT result;
END $$

DELIMITER ;

INSERT IGNORE INTO pymailadmin_schema_version (version, description)
	VALUES (4, 'registration and moderation');
