-- The mail server's tables as pymailadmin sees them: three updatable views.
-- Your tables are not altered.
--
-- This file fits the tables
--
--   domain(id, domain)
--   users(id, domain_id, email, crypt, quota, active)
--   alias(id, domain_id, source, destination)
--
-- If yours are called otherwise, copy this file and write your names on the
-- right of each "v." and after each FROM; keep the names after AS. The rules:
--
-- * One table per view, plain columns, no WHERE, no expressions: otherwise the
--   view cannot be updated. Columns that are not named here need defaults.
-- * address is the whole address, as Dovecot's %{user} has it; password is what
--   Dovecot's passdb returns, with or without a {SCHEME} prefix, and has room
--   for the hashes to come (VARCHAR(255)).
-- * active is 0 for a mailbox nobody may log in to. Ids may be of any type.
--
-- The views run with the rights of whoever loads this file (SQL SECURITY
-- DEFINER): pymailadmin's accounts need no right on your tables, only the
-- rights on columns of these views that grants-*.sql give them. Load it as an
-- account that stays: without it the views fail.
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
