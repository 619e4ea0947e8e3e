-- The mail server's tables as pymailadmin sees them, for those of PostfixAdmin
-- 3.3 and 4.0:
--
--   domain(domain, backupmx)
--   mailbox(username, password, quota, active, domain, maildir, ...)
--   alias(address, goto, domain, active)
--
-- in place of views-default.sql, which says more. Your tables are not altered,
-- and PostfixAdmin goes on to work beside the portal.
--
-- * PostfixAdmin gives each mailbox a row in alias that leads to itself, or to
--   where its mail is forwarded. It comes and goes with the mailbox, and is no
--   alias to the portal. Aliases that lead to several addresses are nobody's
--   alone: their names are taken, but only PostfixAdmin changes them.
-- * A mailbox that is being made is not active. Dovecot's userdb has to know of
--   it: take "AND active = '1'" out of its query, but not of the passdb's.
-- * maildir is written as those there are have it. If the home comes from it,
--   that is where the mailbox is made; a query of fixed form is as good.
-- * quota is in bytes, as PostfixAdmin stores it.
-- * Domains for which this is only a backup MX have no mailboxes here.
-- * Its tables are in latin1, ours in utf8mb4, which do not compare: what is
--   compared with ours is converted, and found without an index.
-- * pymailadmin_mailbox_backend() is only made if it is missing. To change it,
--   write CREATE OR REPLACE FUNCTION in your copy, or DROP FUNCTION first.
--
--   mariadb postfixadmin < views-postfixadmin.sql

SET NAMES utf8mb4;

CREATE OR REPLACE ALGORITHM = MERGE SQL SECURITY DEFINER
	VIEW pymailadmin_domain AS
	SELECT v.domain AS id,
		CONVERT(v.domain USING utf8mb4) AS name
	FROM domain AS v
	WHERE v.domain <> 'ALL' AND v.backupmx = 0;

CREATE OR REPLACE ALGORITHM = MERGE SQL SECURITY DEFINER
	VIEW pymailadmin_mailbox AS
	SELECT v.username AS id,
		v.domain AS domain_id,
		CONVERT(v.username USING utf8mb4) AS address,
		v.password AS password,
		v.quota AS quota,
		v.active AS active
	FROM mailbox AS v;

CREATE OR REPLACE ALGORITHM = MERGE SQL SECURITY DEFINER
	VIEW pymailadmin_alias AS
	SELECT v.address AS id,
		v.domain AS domain_id,
		v.address AS source,
		CONVERT(v.goto USING utf8mb4) AS destination
	FROM alias AS v
	WHERE NOT EXISTS (SELECT 1 FROM mailbox AS m
		WHERE m.username = v.address);

-- What of a mailbox and of an alias is not a column of the views is written by
-- these. The caller has a transaction. A hash that is too long is an error, and
-- is not cut.

SET SESSION sql_mode = CONCAT_WS(',', @@sql_mode, 'STRICT_ALL_TABLES');

DELIMITER $$

-- A new mailbox, not active yet. Its maildir has the form of those there are.
CREATE OR REPLACE PROCEDURE pymailadmin_mailbox_insert(
	IN p_address VARCHAR(254) CHARACTER SET utf8mb4,
	IN p_password VARCHAR(512) CHARACTER SET utf8mb4,
	IN p_quota BIGINT UNSIGNED)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Inserts a mailbox that is not active'
BEGIN
	DECLARE v_local, v_domain, v_sample VARCHAR(254)
		CHARACTER SET utf8mb4 DEFAULT NULL;

	SET v_local = SUBSTRING_INDEX(p_address, '@', 1);
	SELECT v.domain INTO v_domain FROM domain AS v WHERE v.domain <> 'ALL'
		AND v.backupmx = 0 AND v.domain =
			CAST(SUBSTRING_INDEX(p_address, '@', -1) AS CHAR);
	IF v_domain IS NULL THEN
		SIGNAL SQLSTATE '45000'
			SET MESSAGE_TEXT = 'there is no such domain';
	END IF;
	SELECT CASE m.maildir
		WHEN CONCAT(m.username, '/') THEN CONCAT(p_address, '/')
		WHEN CONCAT(m.domain, '/', m.username, '/') THEN
			CONCAT(v_domain, '/', p_address, '/')
		END INTO v_sample
		FROM mailbox AS m ORDER BY m.created DESC LIMIT 1;
	INSERT INTO mailbox (username, password, name, maildir, quota,
		local_part, domain, created, modified, active, password_expiry)
		VALUES (p_address, p_password, '', COALESCE(v_sample,
			CONCAT(v_domain, '/', v_local, '/')), p_quota, v_local,
			v_domain, NOW(), NOW(), 0, NOW() + INTERVAL 365 DAY);
	INSERT INTO alias (address, goto, domain, created, modified, active)
		VALUES (p_address, p_address, v_domain, NOW(), NOW(), 0);
END $$

CREATE OR REPLACE PROCEDURE pymailadmin_mailbox_activate(
	IN p_address VARCHAR(254) CHARACTER SET utf8mb4)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Makes a mailbox active'
BEGIN
	UPDATE mailbox SET active = 1, modified = NOW()
		WHERE username = CAST(p_address AS CHAR);
	UPDATE alias SET active = 1, modified = NOW()
		WHERE address = CAST(p_address AS CHAR) AND goto = address;
END $$

-- With all that PostfixAdmin deletes with it. Passwords of apps would be good
-- for whoever gets the address next.
CREATE OR REPLACE PROCEDURE pymailadmin_mailbox_remove(
	IN p_address VARCHAR(254) CHARACTER SET utf8mb4)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Deletes a mailbox with its settings'
BEGIN
	-- not each version has all tables
	DECLARE CONTINUE HANDLER FOR 1146 BEGIN END;

	DELETE FROM fetchmail WHERE mailbox = CAST(p_address AS CHAR);
	DELETE FROM vacation_notification
		WHERE on_vacation = CAST(p_address AS CHAR);
	DELETE FROM vacation WHERE email = CAST(p_address AS CHAR);
	DELETE FROM quota WHERE username = CAST(p_address AS CHAR);
	DELETE FROM quota2 WHERE username = CAST(p_address AS CHAR);
	DELETE FROM mailbox_app_password
		WHERE username = CAST(p_address AS CHAR);
	DELETE FROM totp_exception_address
		WHERE username = CAST(p_address AS CHAR);
	DELETE a FROM alias AS a JOIN mailbox AS m ON m.username = a.address
		WHERE m.username = CAST(p_address AS CHAR);
	DELETE FROM mailbox WHERE username = CAST(p_address AS CHAR);
END $$

CREATE OR REPLACE PROCEDURE pymailadmin_alias_insert(
	IN p_mailbox VARCHAR(254) CHARACTER SET utf8mb4,
	IN p_source VARCHAR(254) CHARACTER SET utf8mb4)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Inserts an alias of a mailbox'
	INSERT INTO alias (address, goto, domain, created, modified, active)
		SELECT p_source, v.username, v.domain, NOW(), NOW(), 1
		FROM mailbox AS v WHERE v.username = CAST(p_mailbox AS CHAR) $$

-- Which mail host a mailbox is on, or will be when it is made: what that host
-- calls itself in pymailadmin_backend. NULL is for hosts that have no such
-- setting: there is one, or all of them see all mailboxes. With a column of
-- yours that says it, by domain or by mailbox, such as "host":
--
--   RETURN (SELECT v.host FROM domain AS v
--     WHERE v.domain = CAST(p_domain AS CHAR)) $$
--
-- or, where each mailbox may have its own,
--
--   RETURN COALESCE(
--     (SELECT NULLIF(v.host, '') FROM mailbox AS v
--       WHERE v.username = CAST(p_address AS CHAR)),
--     (SELECT v.host FROM domain AS v
--       WHERE v.domain = CAST(p_domain AS CHAR))) $$
--
-- for which pymailadmin_mailbox_insert has to write that column, or leave it
-- empty. With either, write CREATE OR REPLACE FUNCTION here: as it stands, this
-- changes none that there is, so that the file can be loaded again.
CREATE FUNCTION IF NOT EXISTS pymailadmin_mailbox_backend(
	p_domain VARCHAR(254) CHARACTER SET utf8mb4,
	p_address VARCHAR(254) CHARACTER SET utf8mb4)
	RETURNS VARCHAR(253) CHARACTER SET utf8mb4
	READS SQL DATA SQL SECURITY DEFINER
	COMMENT 'Which mail host a mailbox is on; NULL: there is only one'
	RETURN NULL $$

DELIMITER ;
