-- pymailadmin's tables, version 5: super admins look after accounts, domains and
-- whose a mailbox is, in the portal. After 0004-joining.sql; loading it twice is
-- harmless. Load grants-web.sql again afterwards.
--
-- What 0003-portal.sql says of its procedures goes for these too. Each asks for
-- itself whether the account that is said to act is an active super admin's: a
-- fault in a page gives nobody more than the account has. It cannot ask who is
-- at the other end of the connection. Whoever has the portal's password for
-- this database can name any account as the one that acts, and so do with these
-- procedures what its super admins may, but no more, and not without a trace:
-- events are only added to.
--
-- Nobody changes the role of their own account, or switches it off. So whoever
-- has done that to another is still an active super admin, and there always is
-- one; for both rows are locked, and of two who do it to each other the second
-- is none any more.

SET NAMES utf8mb4;

ALTER TABLE pymailadmin_account_domain
	ADD INDEX IF NOT EXISTS domain (domain)
		COMMENT 'Who may make mailboxes in a domain';

-- In whatever mode the server is: a column of the mail server's tables that has
-- no default is an error then, and not silently empty.
SET @pymailadmin_sql_mode = @@SESSION.sql_mode,
	SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION';

DELIMITER $$

-- Locks who acts and whose account it is about, in the same order whoever of
-- them is which. result: done, not_found.
CREATE OR REPLACE PROCEDURE pymailadmin_account_lock(
	IN p_actor_id BIGINT UNSIGNED, IN p_id BIGINT UNSIGNED,
	OUT v_actor VARCHAR(254) CHARACTER SET utf8mb4,
	OUT v_email VARCHAR(254) CHARACTER SET utf8mb4,
	OUT result VARCHAR(16) CHARACTER SET ascii)
	READS SQL DATA SQL SECURITY DEFINER
	COMMENT 'Locks an account for a change by a super admin'
BEGIN
	DECLARE v_id BIGINT UNSIGNED;

	SET v_actor = NULL, v_email = NULL;
	SELECT id INTO v_id FROM pymailadmin_account
		WHERE id = LEAST(p_actor_id, p_id) FOR UPDATE;
	SELECT id INTO v_id FROM pymailadmin_account
		WHERE id = GREATEST(p_actor_id, p_id) FOR UPDATE;
	SELECT email INTO v_actor FROM pymailadmin_account
		WHERE id = p_actor_id AND active AND role = 'super_admin'
		FOR UPDATE;
	SELECT email INTO v_email FROM pymailadmin_account
		WHERE id = p_id FOR UPDATE;
	SET result = IF(v_actor IS NULL OR v_email IS NULL, 'not_found',
			'done');
END $$

-- p_was is the role that who decides has seen.
CREATE OR REPLACE PROCEDURE pymailadmin_account_set_role(
	IN p_actor_id BIGINT UNSIGNED, IN p_id BIGINT UNSIGNED,
	IN p_role VARCHAR(16) CHARACTER SET ascii,
	IN p_was VARCHAR(16) CHARACTER SET ascii)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Gives a role: done, not_found, self, malformed, stale, unchanged'
BEGIN
	DECLARE own BOOLEAN DEFAULT NOT @@in_transaction;
	DECLARE result VARCHAR(16) CHARACTER SET ascii;
	DECLARE v_actor, v_email VARCHAR(254) CHARACTER SET utf8mb4;
	DECLARE v_role VARCHAR(16) CHARACTER SET ascii;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION
		BEGIN IF own THEN ROLLBACK; END IF; RESIGNAL; END;

	SET SESSION timestamp = DEFAULT, check_constraint_checks = 1,
		foreign_key_checks = 1, unique_checks = 1;
	IF own THEN START TRANSACTION; END IF;
	CALL pymailadmin_account_lock(p_actor_id, p_id, v_actor, v_email,
				      result);
	IF result = 'done' THEN
		SELECT role INTO v_role FROM pymailadmin_account
			WHERE id = p_id FOR UPDATE;
		SET result = IF(p_id = p_actor_id, 'self',
			IF(COALESCE(p_role NOT IN ('user', 'admin',
				'super_admin'), TRUE), 'malformed',
			IF(v_role = p_role, 'unchanged',
			IF(NOT v_role <=> p_was, 'stale', 'done'))));
	END IF;
	IF result = 'done' THEN
		UPDATE pymailadmin_account SET role = p_role WHERE id = p_id;
		DELETE FROM pymailadmin_session WHERE account_id = p_id;
		INSERT INTO pymailadmin_event (actor, kind, text) VALUES
			(v_actor, 'account-role',
			 CONCAT(v_email, ' ', v_role, ' ', p_role));
		INSERT INTO pymailadmin_outbox (account_id, template)
			VALUES (p_id, 'account-role');
	END IF;
	IF own THEN COMMIT; END IF;
	SELECT result;
END $$

-- Nobody writes to an account that is not active, but for the mail that says
-- so. Its mailboxes go on: mail is delivered, and mail programs log in.
CREATE OR REPLACE PROCEDURE pymailadmin_account_set_active(
	IN p_actor_id BIGINT UNSIGNED, IN p_id BIGINT UNSIGNED,
	IN p_active BOOLEAN)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Switches an account on or off: done, not_found, self, unchanged'
BEGIN
	DECLARE own BOOLEAN DEFAULT NOT @@in_transaction;
	DECLARE result VARCHAR(16) CHARACTER SET ascii;
	DECLARE v_actor, v_email VARCHAR(254) CHARACTER SET utf8mb4;
	DECLARE v_language VARCHAR(8) CHARACTER SET ascii;
	DECLARE v_active BOOLEAN;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION
		BEGIN IF own THEN ROLLBACK; END IF; RESIGNAL; END;

	SET SESSION timestamp = DEFAULT, check_constraint_checks = 1,
		foreign_key_checks = 1, unique_checks = 1;
	IF own THEN START TRANSACTION; END IF;
	CALL pymailadmin_account_lock(p_actor_id, p_id, v_actor, v_email,
				      result);
	IF result = 'done' THEN
		SELECT active <> 0, language INTO v_active, v_language
			FROM pymailadmin_account WHERE id = p_id FOR UPDATE;
		SET result = IF(p_id = p_actor_id, 'self',
			IF(COALESCE(v_active = (p_active <> 0), TRUE),
			   'unchanged', 'done'));
	END IF;
	IF result = 'done' THEN
		UPDATE pymailadmin_account SET active = p_active <> 0
			WHERE id = p_id;
		DELETE FROM pymailadmin_session WHERE account_id = p_id;
		DELETE FROM pymailadmin_password_reset WHERE account_id = p_id;
		INSERT INTO pymailadmin_event (actor, kind, text) VALUES
			(v_actor, IF(p_active, 'account-activated',
				     'account-deactivated'), v_email);
		INSERT INTO pymailadmin_outbox (account_id, recipient, template,
			args) VALUES (IF(p_active, p_id, NULL),
			IF(p_active, NULL, v_email), IF(p_active,
				'account-activated', 'account-deactivated'),
			IF(p_active, NULL,
			   JSON_OBJECT('language', v_language)));
	END IF;
	IF own THEN COMMIT; END IF;
	SELECT result;
END $$

-- NULL: what the portal is set to.
CREATE OR REPLACE PROCEDURE pymailadmin_account_set_limits(
	IN p_actor_id BIGINT UNSIGNED, IN p_id BIGINT UNSIGNED,
	IN p_max_mailboxes SMALLINT UNSIGNED,
	IN p_max_aliases SMALLINT UNSIGNED)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Sets the limits of an account: done, not_found, unchanged'
BEGIN
	DECLARE own BOOLEAN DEFAULT NOT @@in_transaction;
	DECLARE result VARCHAR(16) CHARACTER SET ascii;
	DECLARE v_actor, v_email VARCHAR(254) CHARACTER SET utf8mb4;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION
		BEGIN IF own THEN ROLLBACK; END IF; RESIGNAL; END;

	SET SESSION timestamp = DEFAULT;
	IF own THEN START TRANSACTION; END IF;
	CALL pymailadmin_account_lock(p_actor_id, p_id, v_actor, v_email,
				      result);
	IF result = 'done' AND EXISTS (SELECT 1 FROM pymailadmin_account
			WHERE id = p_id AND max_mailboxes <=> p_max_mailboxes
			AND max_aliases <=> p_max_aliases) THEN
		SET result = 'unchanged';
	END IF;
	IF result = 'done' THEN
		UPDATE pymailadmin_account SET max_mailboxes = p_max_mailboxes,
			max_aliases = p_max_aliases WHERE id = p_id;
		INSERT INTO pymailadmin_event (actor, kind, text) VALUES
			(v_actor, 'account-limits', CONCAT(v_email, ' ',
				COALESCE(p_max_mailboxes, '-'), ' ',
				COALESCE(p_max_aliases, '-')));
	END IF;
	IF own THEN COMMIT; END IF;
	SELECT result;
END $$

-- p_factor: the second factor goes too, for who has lost it. One's own ends on
-- the pages of one's own account.
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

-- p_domains: a JSON array of names. p_take: they are taken away, also those of
-- domains that are gone; its mailboxes stay the account's.
CREATE OR REPLACE PROCEDURE pymailadmin_account_set_domains(
	IN p_actor_id BIGINT UNSIGNED, IN p_id BIGINT UNSIGNED,
	IN p_domains TEXT CHARACTER SET utf8mb4, IN p_take BOOLEAN)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Gives or takes domains: done, not_found, domains, unchanged'
BEGIN
	DECLARE own BOOLEAN DEFAULT NOT @@in_transaction;
	DECLARE result VARCHAR(16) CHARACTER SET ascii;
	DECLARE v_actor, v_email VARCHAR(254) CHARACTER SET utf8mb4;
	DECLARE v_count BIGINT DEFAULT 0;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION
		BEGIN IF own THEN ROLLBACK; END IF; RESIGNAL; END;

	SET SESSION timestamp = DEFAULT, check_constraint_checks = 1,
		foreign_key_checks = 1, unique_checks = 1;
	IF own THEN START TRANSACTION; END IF;
	CALL pymailadmin_account_lock(p_actor_id, p_id, v_actor, v_email,
				      result);
	IF result = 'done' AND NOT COALESCE(JSON_VALID(p_domains) AND
			JSON_TYPE(p_domains) = 'ARRAY' AND
			JSON_LENGTH(p_domains) > 0, FALSE) THEN
		SET result = 'domains';
	ELSEIF result = 'done' AND NOT p_take THEN
		CALL pymailadmin_domains_check(p_actor_id, TRUE, p_domains,
					       result);
	END IF;
	IF result = 'done' AND p_take THEN
		DELETE FROM pymailadmin_account_domain WHERE account_id = p_id
			AND domain IN (SELECT CAST(j.name AS CHAR)
			FROM JSON_TABLE(p_domains, '$[*]' COLUMNS
				(name VARCHAR(253) PATH '$')) j);
		SET v_count = ROW_COUNT();
	ELSEIF result = 'done' THEN
		INSERT IGNORE INTO pymailadmin_account_domain
			(account_id, domain)
			SELECT p_id, LOWER(j.name) FROM JSON_TABLE(p_domains,
			'$[*]' COLUMNS (name VARCHAR(253) PATH '$')) j;
		SET v_count = ROW_COUNT();
	END IF;
	IF result = 'done' AND v_count = 0 THEN
		SET result = 'unchanged';
	ELSEIF result = 'done' THEN
		INSERT INTO pymailadmin_event (actor, kind, text) VALUES
			(v_actor, IF(p_take, 'account-domains-taken',
				     'account-domains-given'),
			 LEFT(CONCAT(v_email, ' ', p_domains), 500));
	END IF;
	IF own THEN COMMIT; END IF;
	SELECT result;
END $$

-- The mail server's table of domains is the administrator's, and may want more
-- than a name, or refuse: 'unsupported' then, with nothing changed. One after
-- the other, for it may take two of a name.
CREATE OR REPLACE PROCEDURE pymailadmin_domain_add(
	IN p_actor_id BIGINT UNSIGNED,
	IN p_name VARCHAR(253) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Adds a domain: done, not_found, malformed, taken, unsupported'
BEGIN
	DECLARE own BOOLEAN DEFAULT NOT @@in_transaction;
	DECLARE result VARCHAR(16) CHARACTER SET ascii;
	DECLARE v_actor VARCHAR(254) CHARACTER SET utf8mb4;
	DECLARE v_super BOOLEAN;
	DECLARE v_count BIGINT;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION
		BEGIN IF own THEN ROLLBACK; END IF; RESIGNAL; END;

	SET SESSION timestamp = DEFAULT, check_constraint_checks = 1,
		foreign_key_checks = 1, unique_checks = 1;
	IF own THEN START TRANSACTION; END IF;
	SELECT version INTO v_count FROM pymailadmin_schema_version
		WHERE version = 5 FOR UPDATE;
	CALL pymailadmin_moderator_lock(p_actor_id, v_actor, v_super, result);
	IF result = 'done' AND NOT v_super THEN
		SET result = 'not_found';
	ELSEIF result = 'done' AND COALESCE(p_name NOT REGEXP CONCAT('(?-i)^',
		'([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+',
		'[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\z'), TRUE) THEN
		SET result = 'malformed';
	ELSEIF result = 'done' THEN
		SELECT IF(COUNT(*) > 0, 'taken', 'done') INTO result
			FROM pymailadmin_domain
			WHERE name = CAST(p_name AS CHAR) FOR UPDATE;
	END IF;
	SAVEPOINT pymailadmin_domain;
	IF result = 'done' THEN BEGIN
		DECLARE CONTINUE HANDLER FOR 1062 SET result = 'taken';
		-- no default, no right, a view that does not insert, what a
		-- constraint or trigger of the administrator's says
		DECLARE CONTINUE HANDLER FOR 1048, 1142, 1143, 1265, 1288,
			1348, 1356, 1364, 1366, 1369, 1393, 1394, 1406, 1423,
			1452, 1471, 1644, 4025 SET result = 'unsupported';

		INSERT INTO pymailadmin_domain (name) VALUES (p_name);
	END; END IF;
	IF result = 'done' THEN
		SELECT COUNT(*) INTO v_count FROM pymailadmin_domain
			WHERE name = CAST(p_name AS CHAR) AND id IS NOT NULL;
		SET result = IF(v_count = 1, 'done', 'unsupported');
	END IF;
	IF result = 'done' THEN
		INSERT INTO pymailadmin_event (actor, kind, text)
			VALUES (v_actor, 'domain-added', p_name);
	ELSE
		ROLLBACK TO SAVEPOINT pymailadmin_domain;
	END IF;
	IF own THEN COMMIT; END IF;
	SELECT result;
END $$

-- Only an empty one. Under a lock on its row no name in it is given; addresses
-- that were reserved and never came to be do not count, as everywhere.
CREATE OR REPLACE PROCEDURE pymailadmin_domain_remove(
	IN p_actor_id BIGINT UNSIGNED,
	IN p_name VARCHAR(253) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Removes a domain: done, not_found, used, unsupported'
BEGIN
	DECLARE own BOOLEAN DEFAULT NOT @@in_transaction;
	DECLARE result VARCHAR(16) CHARACTER SET ascii;
	DECLARE v_actor VARCHAR(254) CHARACTER SET utf8mb4;
	DECLARE v_name VARCHAR(254) CHARACTER SET utf8mb4 DEFAULT NULL;
	DECLARE v_super BOOLEAN;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION
		BEGIN IF own THEN ROLLBACK; END IF; RESIGNAL; END;

	SET SESSION timestamp = DEFAULT, check_constraint_checks = 1,
		foreign_key_checks = 1, unique_checks = 1;
	IF own THEN START TRANSACTION; END IF;
	CALL pymailadmin_moderator_lock(p_actor_id, v_actor, v_super, result);
	IF result = 'done' AND v_super THEN
		-- the mail server's table may take accents for nothing
		SELECT name INTO v_name FROM pymailadmin_domain
			WHERE name = CAST(p_name AS CHAR) AND
			LOWER(CONVERT(name USING utf8mb4)) =
			LOWER(p_name) COLLATE utf8mb4_nopad_bin
			LIMIT 1 FOR UPDATE;
	END IF;
	SET result = IF(v_name IS NULL, 'not_found', 'done');
	IF result = 'done' AND (EXISTS (SELECT 1 FROM pymailadmin_mailbox m
			JOIN pymailadmin_domain d ON d.id = m.domain_id
			WHERE d.name = CAST(v_name AS CHAR) LOCK IN SHARE MODE)
		OR EXISTS (SELECT 1 FROM pymailadmin_alias l
			JOIN pymailadmin_domain d ON d.id = l.domain_id
			WHERE d.name = CAST(v_name AS CHAR) LOCK IN SHARE MODE)
		OR EXISTS (SELECT 1 FROM pymailadmin_request
			WHERE open_address IS NOT NULL AND p_name =
			SUBSTRING_INDEX(open_address, '@', -1)
			LOCK IN SHARE MODE)) THEN
		SET result = 'used';
	END IF;
	SAVEPOINT pymailadmin_domain;
	IF result = 'done' THEN BEGIN
		DECLARE CONTINUE HANDLER FOR 1142, 1143, 1288, 1356, 1395,
			1451, 1644 SET result = 'unsupported';

		DELETE FROM pymailadmin_domain
			WHERE name = CAST(v_name AS CHAR);
		IF ROW_COUNT() <> 1 THEN SET result = 'unsupported'; END IF;
	END; END IF;
	IF result = 'done' THEN
		DELETE FROM pymailadmin_account_domain WHERE domain = p_name;
		INSERT INTO pymailadmin_event (actor, kind, text)
			VALUES (v_actor, 'domain-removed', v_name);
	ELSE
		ROLLBACK TO SAVEPOINT pymailadmin_domain;
	END IF;
	IF own THEN COMMIT; END IF;
	SELECT result;
END $$

-- Whose a mailbox is: the account's of p_email, NULL: nobody's. p_was is who
-- decides has seen as its owner. Not while something is asked of the mail host
-- for it, for who asked is told how that ends. The mail stays encrypted with
-- the mailbox's password, whoever has it.
CREATE OR REPLACE PROCEDURE pymailadmin_mailbox_give(
	IN p_actor_id BIGINT UNSIGNED,
	IN p_address VARCHAR(254) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci,
	IN p_email VARCHAR(254) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci,
	IN p_was VARCHAR(254) CHARACTER SET utf8mb4
		COLLATE utf8mb4_uca1400_nopad_as_ci)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Gives away: done, not_found, busy, account, stale, unchanged'
BEGIN
	DECLARE own BOOLEAN DEFAULT NOT @@in_transaction;
	DECLARE result VARCHAR(16) CHARACTER SET ascii;
	DECLARE v_address, v_actor, v_old, v_email VARCHAR(254)
		CHARACTER SET utf8mb4 COLLATE utf8mb4_uca1400_nopad_as_ci
		DEFAULT NULL;
	DECLARE v_super BOOLEAN;
	DECLARE v_owner, v_new BIGINT UNSIGNED DEFAULT NULL;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION
		BEGIN IF own THEN ROLLBACK; END IF; RESIGNAL; END;

	SET SESSION timestamp = DEFAULT, check_constraint_checks = 1,
		foreign_key_checks = 1, unique_checks = 1;
	IF own THEN START TRANSACTION; END IF;
	-- accounts before domains, as who makes a mailbox does
	SELECT id, email INTO v_new, v_email FROM pymailadmin_account
		WHERE email = p_email AND active LOCK IN SHARE MODE;
	CALL pymailadmin_mailbox_lock(p_actor_id, p_address, v_address,
				      v_actor, v_super, v_owner, result);
	SELECT email INTO v_old FROM pymailadmin_account WHERE id = v_owner;
	IF result = 'done' THEN
		SET result = IF(NOT v_super, 'not_found',
			IF(EXISTS (SELECT 1 FROM pymailadmin_request
				WHERE open_address = p_address
				LOCK IN SHARE MODE), 'busy',
			IF(p_email IS NOT NULL AND v_new IS NULL, 'account',
			IF(v_new <=> v_owner, 'unchanged',
			IF(NOT v_old <=> p_was, 'stale', 'done')))));
	END IF;
	IF result = 'done' AND v_new IS NULL THEN
		DELETE FROM pymailadmin_account_mailbox
			WHERE address = v_address;
	ELSEIF result = 'done' THEN
		INSERT INTO pymailadmin_account_mailbox (address, account_id)
			VALUES (v_address, v_new) ON DUPLICATE KEY UPDATE
			account_id = v_new, created_at = UTC_TIMESTAMP();
	END IF;
	IF result = 'done' THEN
		INSERT INTO pymailadmin_event (actor, address, kind, text)
			VALUES (v_actor, v_address, 'owner-changed',
				LEFT(CONCAT(COALESCE(v_old, '-'), ' ',
					    COALESCE(v_email, '-')), 500));
		INSERT INTO pymailadmin_outbox (account_id, template, address)
			SELECT id, IF(id = v_new, 'mailbox-given',
				      'mailbox-taken'), v_address
			FROM pymailadmin_account WHERE id IN (v_owner, v_new);
	END IF;
	IF own THEN COMMIT; END IF;
	SELECT result;
END $$

-- Whoever changes aliases of somebody else's mailbox: its owner is told, once
-- until that mail is sent. What is asked of the mail host, procedures tell.
CREATE OR REPLACE TRIGGER pymailadmin_event_tells_owner
	AFTER INSERT ON pymailadmin_event FOR EACH ROW
	INSERT INTO pymailadmin_outbox (account_id, template, address)
	SELECT a.id, 'aliases-changed', o.address
	FROM pymailadmin_account_mailbox o
	JOIN pymailadmin_account a ON a.id = o.account_id
	WHERE NEW.kind IN ('alias-add', 'alias-rename', 'alias-delete') AND
	o.address = NEW.address AND a.email <> NEW.actor AND
	NOT EXISTS (SELECT 1 FROM pymailadmin_outbox w
		WHERE w.account_id = a.id AND w.sent_at IS NULL AND
		w.template = 'aliases-changed' AND w.address = o.address) $$

DELIMITER ;

SET SESSION sql_mode = @pymailadmin_sql_mode;

INSERT IGNORE INTO pymailadmin_schema_version (version, description)
	VALUES (5, 'administration');
