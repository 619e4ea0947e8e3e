-- The mail server's tables as pymailadmin sees them, for those of the ISPmail
-- guide (https://workaround.org):
--
--   virtual_domains(id, name)
--   virtual_users(id, domain_id, email, password, quota)
--   virtual_aliases(id, domain_id, source, destination)
--
-- in place of views-default.sql, which says more. Your tables are not altered.
--
-- * Older editions of the guide have no quota: write 0 in place of v.quota, and
--   leave out quota and p_quota in pymailadmin_mailbox_insert.
-- * quota is in bytes. If the column is an INT, 2 GB is the most it can hold:
--     ALTER TABLE virtual_users MODIFY quota BIGINT NOT NULL DEFAULT 0;
-- * Every mailbox is active.
-- * pymailadmin_mailbox_backend() is only made if it is missing. To change it,
--   write CREATE OR REPLACE FUNCTION in your copy, or DROP FUNCTION first.
--
--   mariadb mailserver < views-ispmail.sql

SET NAMES utf8mb4;

CREATE OR REPLACE ALGORITHM = MERGE SQL SECURITY DEFINER
	VIEW pymailadmin_domain AS
	SELECT v.id AS id,
		v.name AS name
	FROM virtual_domains AS v;

CREATE OR REPLACE ALGORITHM = MERGE SQL SECURITY DEFINER
	VIEW pymailadmin_mailbox AS
	SELECT v.id AS id,
		v.domain_id AS domain_id,
		v.email AS address,
		v.password AS password,
		v.quota AS quota,
		1 AS active
	FROM virtual_users AS v;

CREATE OR REPLACE ALGORITHM = MERGE SQL SECURITY DEFINER
	VIEW pymailadmin_alias AS
	SELECT v.id AS id,
		v.domain_id AS domain_id,
		v.source AS source,
		v.destination AS destination
	FROM virtual_aliases AS v;

-- What of a mailbox and of an alias is not a column of the views is written by
-- these. The caller has a transaction. A hash that is too long is an error, and
-- is not cut.

SET SESSION sql_mode = CONCAT_WS(',', @@sql_mode, 'STRICT_ALL_TABLES');

DELIMITER $$

-- A new mailbox. There is no column for it to be inactive.
CREATE OR REPLACE PROCEDURE pymailadmin_mailbox_insert(
	IN p_address VARCHAR(254) CHARACTER SET utf8mb4,
	IN p_password VARCHAR(512) CHARACTER SET utf8mb4,
	IN p_quota BIGINT UNSIGNED)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Inserts a mailbox'
BEGIN
	INSERT INTO virtual_users (domain_id, email, password, quota)
		SELECT v.id, p_address, p_password, p_quota
		FROM virtual_domains AS v WHERE v.name =
			CAST(SUBSTRING_INDEX(p_address, '@', -1) AS CHAR)
		LIMIT 1;
	IF ROW_COUNT() = 0 THEN
		SIGNAL SQLSTATE '45000'
			SET MESSAGE_TEXT = 'there is no such domain';
	END IF;
END $$

CREATE OR REPLACE PROCEDURE pymailadmin_mailbox_activate(
	IN p_address VARCHAR(254) CHARACTER SET utf8mb4)
	NO SQL SQL SECURITY DEFINER
	COMMENT 'Makes a mailbox active: here each one is'
	SET p_address = NULL $$

-- With what belongs to it alone, but without its aliases.
CREATE OR REPLACE PROCEDURE pymailadmin_mailbox_remove(
	IN p_address VARCHAR(254) CHARACTER SET utf8mb4)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Deletes a mailbox'
	DELETE FROM virtual_users WHERE email = CAST(p_address AS CHAR) $$

CREATE OR REPLACE PROCEDURE pymailadmin_alias_insert(
	IN p_mailbox VARCHAR(254) CHARACTER SET utf8mb4,
	IN p_source VARCHAR(254) CHARACTER SET utf8mb4)
	MODIFIES SQL DATA SQL SECURITY DEFINER
	COMMENT 'Inserts an alias of a mailbox'
	INSERT INTO virtual_aliases (domain_id, source, destination)
		SELECT v.domain_id, p_source, v.email
		FROM virtual_users AS v
		WHERE v.email = CAST(p_mailbox AS CHAR) $$

-- Which mail host a mailbox is on, or will be when it is made: what that host
-- calls itself in pymailadmin_backend. NULL is for hosts that have no such
-- setting: there is one, or all of them see all mailboxes. With a column of
-- yours that says it, by domain or by mailbox, such as "host":
--
--   RETURN (SELECT v.host FROM virtual_domains AS v
--     WHERE v.name = CAST(p_domain AS CHAR)) $$
--
-- or, where each mailbox may have its own,
--
--   RETURN COALESCE(
--     (SELECT NULLIF(v.host, '') FROM virtual_users AS v
--       WHERE v.email = CAST(p_address AS CHAR)),
--     (SELECT v.host FROM virtual_domains AS v
--       WHERE v.name = CAST(p_domain AS CHAR))) $$
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
