-- pymailadmin's tables, version 10: super admins make and delete accounts in the
-- portal, and who ends an account's sessions makes it forget its browsers. After
-- 0009-mapping.sql; loading it twice is harmless. Load grants-web.sql again
-- afterwards.
--
-- What 0003-portal.sql and 0005-administration.sql say of their procedures goes
-- for these too. Nobody deletes the own account, so there always is an active
-- super admin.

SET NAMES utf8mb4;

DELIMITER $$

-- As in 0005-administration.sql, and no browser is known any more: whoever logs
-- in next, from wherever, its owner is told of it.
CREATE OR REPLACE PROCEDURE pymailadmin_account_log_out(
	IN p_actor_id BIGINT UNSIGNED, IN p_id BIGINT UNSIGNED,
	IN p_factor BOOLEAN)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Ends all sessions: done, not_found, self, unchanged'
BEGIN
	DECLARE own BOOLEAN DEFAULT NOT @@in_transaction;
	DECLARE result VARCHAR(16) CHARACTER SET ascii;
	DECLARE v_actor, v_email VARCHAR(254) CHARACTER SET utf8mb4;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION
		BEGIN IF own THEN ROLLBACK; END IF; RESIGNAL; END;

	SET SESSION timestamp = DEFAULT, check_constraint_checks = 1,
		foreign_key_checks = 1, unique_checks = 1;
	IF own THEN START TRANSACTION; END IF;
	CALL pymailadmin_account_lock(p_actor_id, p_id, v_actor, v_email,
				      result);
	IF result = 'done' AND p_id = p_actor_id THEN
		SET result = 'self';
	ELSEIF result = 'done' AND p_factor THEN
		SET result = IF(EXISTS (SELECT 1 FROM pymailadmin_account
			WHERE id = p_id AND totp_secret IS NOT NULL), 'done',
			'unchanged');
	END IF;
	IF result = 'done' THEN
		DELETE FROM pymailadmin_session WHERE account_id = p_id;
		DELETE FROM pymailadmin_known_device WHERE account_id = p_id;
		INSERT INTO pymailadmin_event (actor, kind, text) VALUES
			(v_actor, IF(p_factor, 'account-two-factor-reset',
				     'account-sessions-ended'), v_email);
	END IF;
	IF result = 'done' AND p_factor THEN
		UPDATE pymailadmin_account SET totp_secret = NULL,
			totp_confirmed_at = NULL, totp_last_step = NULL
			WHERE id = p_id;
		DELETE FROM pymailadmin_backup_code WHERE account_id = p_id;
		INSERT INTO pymailadmin_outbox (account_id, template)
			VALUES (p_id, 'two-factor-reset');
	END IF;
	IF own THEN COMMIT; END IF;
	SELECT result;
END $$

-- Its password is no hash, so none logs in: its owner chooses one by the link of
-- a mail. p_domains: a JSON array of names, which may be empty. Limits: NULL is
-- what the portal is set to. 'waiting': a moderator has to answer whoever asked
-- for an account with this address, and has chosen a password.
CREATE OR REPLACE PROCEDURE pymailadmin_account_add(
	IN p_actor_id BIGINT UNSIGNED,
	IN p_email VARCHAR(254) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci,
	IN p_role VARCHAR(16) CHARACTER SET ascii,
	IN p_language VARCHAR(8) CHARACTER SET ascii,
	IN p_domains TEXT CHARACTER SET utf8mb4,
	IN p_max_mailboxes SMALLINT UNSIGNED,
	IN p_max_aliases SMALLINT UNSIGNED)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Makes one: done, not_found, malformed, domains, taken, waiting'
BEGIN
	DECLARE own BOOLEAN DEFAULT NOT @@in_transaction;
	DECLARE result VARCHAR(16) CHARACTER SET ascii;
	DECLARE v_actor VARCHAR(254) CHARACTER SET utf8mb4;
	DECLARE v_super BOOLEAN;
	DECLARE v_version INT UNSIGNED;
	DECLARE v_id BIGINT UNSIGNED;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION
		BEGIN IF own THEN ROLLBACK; END IF; RESIGNAL; END;

	SET SESSION timestamp = DEFAULT, check_constraint_checks = 1,
		foreign_key_checks = 1, unique_checks = 1;
	IF own THEN START TRANSACTION; END IF;
	SELECT version INTO v_version FROM pymailadmin_schema_version
		WHERE version = 10 FOR UPDATE;
	CALL pymailadmin_moderator_lock(p_actor_id, v_actor, v_super, result);
	IF result = 'done' AND NOT v_super THEN
		SET result = 'not_found';
	ELSEIF result = 'done' AND COALESCE(p_email NOT REGEXP
		'^[^[:space:][:cntrl:]@]+@[^[:space:][:cntrl:]@]+\\z' OR
		p_role NOT IN ('user', 'admin', 'super_admin') OR
		p_language NOT REGEXP '^[a-z]{2}(-[A-Za-z]{2,5})?\\z', TRUE)
	THEN
		SET result = 'malformed';
	ELSEIF result = 'done' THEN
		CALL pymailadmin_domains_check(p_actor_id, TRUE, p_domains,
					       result);
	END IF;
	IF result = 'done' AND EXISTS (SELECT 1 FROM pymailadmin_registration
			WHERE waiting_email = p_email LOCK IN SHARE MODE) THEN
		SET result = 'waiting';
	ELSEIF result = 'done' THEN BEGIN
		DECLARE CONTINUE HANDLER FOR 1062 SET result = 'taken';

		INSERT INTO pymailadmin_account (email, password, role,
			language, max_mailboxes, max_aliases) VALUES
			(p_email, 'none: its owner has yet to choose one',
			 p_role, p_language, p_max_mailboxes, p_max_aliases);
	END; END IF;
	IF result = 'done' THEN
		SET v_id = LAST_INSERT_ID();
		INSERT IGNORE INTO pymailadmin_account_domain
			(account_id, domain)
			SELECT v_id, LOWER(j.name) FROM JSON_TABLE(p_domains,
			'$[*]' COLUMNS (name VARCHAR(253) PATH '$')) j;
		INSERT INTO pymailadmin_event (actor, kind, text) VALUES
			(v_actor, 'account-made', LEFT(CONCAT(p_email, ' ',
				p_role, ' ', p_domains), 500));
		INSERT INTO pymailadmin_outbox (account_id, template)
			VALUES (v_id, 'account-made');
	END IF;
	IF own THEN COMMIT; END IF;
	SELECT result;
END $$

-- As in 0004-joining.sql, but one after the other with pymailadmin_account_add:
-- of an address either an account is made, or it waits for a moderator.
CREATE OR REPLACE PROCEDURE pymailadmin_registration_confirm(
	IN p_token_hash BINARY(32))
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Confirms a registration: done, not_found, account, waiting'
BEGIN
	DECLARE own BOOLEAN DEFAULT NOT @@in_transaction;
	DECLARE result VARCHAR(16) CHARACTER SET ascii DEFAULT 'not_found';
	DECLARE v_version INT UNSIGNED;
	DECLARE v_id, v_invitation BIGINT UNSIGNED DEFAULT NULL;
	DECLARE v_email VARCHAR(254) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci DEFAULT NULL;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION
		BEGIN IF own THEN ROLLBACK; END IF; RESIGNAL; END;

	SET SESSION timestamp = DEFAULT, check_constraint_checks = 1,
		foreign_key_checks = 1, unique_checks = 1;
	IF own THEN START TRANSACTION; END IF;
	SELECT version INTO v_version FROM pymailadmin_schema_version
		WHERE version = 10 FOR UPDATE;
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

-- Its mailboxes stay, with their mail, and are nobody's: the history of each
-- says whose it was. Not while something is asked of the mail host for one of
-- them or by the account, for who asked is told how that ends. What it did
-- stays in the history.
CREATE OR REPLACE PROCEDURE pymailadmin_account_delete(
	IN p_actor_id BIGINT UNSIGNED, IN p_id BIGINT UNSIGNED)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Deletes an account: done, not_found, self, busy'
BEGIN
	DECLARE own BOOLEAN DEFAULT NOT @@in_transaction;
	DECLARE result VARCHAR(16) CHARACTER SET ascii;
	DECLARE v_actor, v_email VARCHAR(254) CHARACTER SET utf8mb4;
	DECLARE v_language VARCHAR(8) CHARACTER SET ascii;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION
		BEGIN IF own THEN ROLLBACK; END IF; RESIGNAL; END;

	SET SESSION timestamp = DEFAULT, check_constraint_checks = 1,
		foreign_key_checks = 1, unique_checks = 1;
	IF own THEN START TRANSACTION; END IF;
	CALL pymailadmin_account_lock(p_actor_id, p_id, v_actor, v_email,
				      result);
	IF result = 'done' AND p_id = p_actor_id THEN
		SET result = 'self';
	ELSEIF result = 'done' AND (EXISTS (SELECT 1 FROM pymailadmin_request
			WHERE account_id = p_id AND ended_at IS NULL
			LOCK IN SHARE MODE)
		OR EXISTS (SELECT 1 FROM pymailadmin_account_mailbox o
			JOIN pymailadmin_request r ON r.address = o.address
			WHERE o.account_id = p_id AND r.ended_at IS NULL
			LOCK IN SHARE MODE)) THEN
		SET result = 'busy';
	END IF;
	IF result = 'done' THEN
		SELECT language INTO v_language FROM pymailadmin_account
			WHERE id = p_id FOR UPDATE;
		INSERT INTO pymailadmin_event (actor, address, kind, text)
			SELECT v_actor, o.address, 'owner-changed',
			CONCAT(v_email, ' -')
			FROM pymailadmin_account_mailbox o
			WHERE o.account_id = p_id AND EXISTS (
				SELECT 1 FROM pymailadmin_mailbox m
				WHERE m.address = CAST(o.address AS CHAR));
		DELETE FROM pymailadmin_account WHERE id = p_id;
		INSERT INTO pymailadmin_event (actor, kind, text)
			VALUES (v_actor, 'account-deleted', v_email);
		INSERT INTO pymailadmin_outbox (recipient, template, args)
			VALUES (v_email, 'account-deleted',
				JSON_OBJECT('language', v_language));
	END IF;
	IF own THEN COMMIT; END IF;
	SELECT result;
END $$

DELIMITER ;

INSERT IGNORE INTO pymailadmin_schema_version (version, description)
	VALUES (10, 'accounts made and deleted in the portal');
