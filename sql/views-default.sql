-- The mail server's tables as pymailadmin sees them: three updatable views, four
-- procedures for what no view can do in some schemas, and a function that says
-- which of several mail hosts has a mailbox. Your tables are not altered.
--
-- This file fits the tables
--
--   domain(id, domain)
--   users(id, domain_id, email, crypt, quota, active)
--   alias(id, domain_id, source, destination)
--
-- views-ispmail.sql fits those of the ISPmail guide, views-postfixadmin.sql
-- those of PostfixAdmin; "pymailadmin-web --setup" finds out which, and asks if
-- it is none of them. If yours are called otherwise, copy this file and write
-- your names on the right of each "v." and after each FROM, INTO and UPDATE;
-- keep the names after AS. The rules:
--
-- * One table per view, plain columns, no WHERE, no expressions: otherwise the
--   view cannot be updated. Columns that are not named here need defaults.
-- * address is the whole address, as Dovecot's %{user} has it; password is what
--   Dovecot's passdb returns, with or without a {SCHEME} prefix, and has room
--   for the hashes to come (VARCHAR(255)).
-- * Names, addresses and destinations are in a character set of Unicode. If not,
--   show them as CONVERT(v.domain USING utf8mb4) and so on, but not source.
-- * active is 0 for a mailbox nobody may log in to. Ids may be of any type.
-- * The procedures are told the whole address, a hash with its {SCHEME} and the
--   quota in bytes. They are part of a transaction of their caller, begin and end
--   none, and select nothing. What is said of each below has to hold.
-- * pymailadmin_mailbox_backend() is only made if it is missing. To change it,
--   write CREATE OR REPLACE FUNCTION in your copy, or DROP FUNCTION first.
--
-- Views and procedures run with the rights of whoever loads this file (SQL
-- SECURITY DEFINER): pymailadmin's accounts need no right on your tables, only
-- those on columns of these views that grants-*.sql give them. Load it as an
-- account that stays: without it they fail.
--
--   mariadb mail < views-default.sql

SET NAMES utf8mb4;

CREATE OR REPLACE ALGORITHM = MERGE SQL SECURITY DEFINER
	VIEW pymailadmin_domain AS
	SELECT v.id AS id,
		v.domain AS name
	FROM domain AS v;

CREATE OR REPLACE ALGORITHM = MERGE SQL SECURITY DEFINER
	VIEW pymailadmin_mailbox AS
	SELECT v.id AS id,
		v.domain_id AS domain_id,
		v.email AS address,
		v.crypt AS password,
		v.quota AS quota,
		v.active AS active
	FROM users AS v;

CREATE OR REPLACE ALGORITHM = MERGE SQL SECURITY DEFINER
	VIEW pymailadmin_alias AS
	SELECT v.id AS id,
		v.domain_id AS domain_id,
		v.source AS source,
		v.destination AS destination
	FROM alias AS v;

-- A hash that is too long is an error, and is not cut.
SET SESSION sql_mode = CONCAT_WS(',', @@sql_mode, 'STRICT_ALL_TABLES');

DELIMITER $$

-- The mailbox, not active yet if there is such a column; an error if the domain
-- is unknown or the mailbox there already.
CREATE OR REPLACE PROCEDURE pymailadmin_mailbox_insert(
	IN p_address VARCHAR(254) CHARACTER SET utf8mb4,
	IN p_password VARCHAR(512) CHARACTER SET utf8mb4,
	IN p_quota BIGINT UNSIGNED)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Inserts a mailbox that is not active yet'
BEGIN
	INSERT INTO users (domain_id, email, crypt, quota, active)
		SELECT v.id, p_address, p_password, p_quota, 0
		FROM domain AS v
		WHERE v.domain = CAST(SUBSTRING_INDEX(p_address, '@', -1) AS CHAR);
	IF ROW_COUNT() <> 1 THEN
		SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'unknown domain';
	END IF;
END $$

-- Nothing if there is no such column: the request keeps the mailbox closed.
CREATE OR REPLACE PROCEDURE pymailadmin_mailbox_activate(
	IN p_address VARCHAR(254) CHARACTER SET utf8mb4)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Makes a mailbox active'
	UPDATE users SET active = 1
		WHERE email = CAST(p_address AS CHAR) $$

-- The mailbox and what is its alone in your tables, but for the aliases that
-- pymailadmin_alias shows. None there is no error.
CREATE OR REPLACE PROCEDURE pymailadmin_mailbox_remove(
	IN p_address VARCHAR(254) CHARACTER SET utf8mb4)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Deletes a mailbox'
	DELETE FROM users WHERE email = CAST(p_address AS CHAR) $$

-- An alias of a mailbox, of whose names all has been checked.
CREATE OR REPLACE PROCEDURE pymailadmin_alias_insert(
	IN p_mailbox VARCHAR(254) CHARACTER SET utf8mb4,
	IN p_source VARCHAR(254) CHARACTER SET utf8mb4)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Inserts an alias of a mailbox'
	INSERT INTO alias (domain_id, source, destination)
		SELECT v.domain_id, p_source, v.email FROM users AS v
		WHERE v.email = CAST(p_mailbox AS CHAR) $$

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
--     (SELECT NULLIF(v.host, '') FROM users AS v
--       WHERE v.email = CAST(p_address AS CHAR)),
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
