-- What the portal may do, and nothing else. Whoever takes the portal's host
-- over has these rights: with them no sealed request can be read, no password
-- or mailbox of the mail server be written, no request be moved on, no history
-- be rewritten and nobody be made an administrator.
--
-- The account is 'pymailadmin_web'@'%' and has no other use: rights it has
-- beyond these are taken away. Make it first, best for one host and with TLS:
--
--   CREATE USER 'pymailadmin_web'@'%' IDENTIFIED BY '...' REQUIRE SSL;
--
-- and load this file into the database of the mail server, again after each
-- new numbered SQL file. For an account of another name or host:
--
--   sed "s/'pymailadmin_web'@'%'/'portal'@'10.0.0.2'/" grants-web.sql |
--     mariadb mail

REVOKE ALL PRIVILEGES, GRANT OPTION FROM 'pymailadmin_web'@'%';

-- The mail server's tables: to be read. The hash of a mailbox is read to check
-- the old password before anything is asked for.
GRANT SELECT ON pymailadmin_domain TO 'pymailadmin_web'@'%';
GRANT SELECT ON pymailadmin_mailbox TO 'pymailadmin_web'@'%';
GRANT SELECT ON pymailadmin_alias TO 'pymailadmin_web'@'%';

-- Requests: to be filed, as pending, and followed. Canceling goes through the
-- procedure: a right to update the state could close a mailbox for good, or
-- open it in the middle of its switch.
GRANT INSERT (id, kind, address, account_id, created_at, sealed)
	ON pymailadmin_request TO 'pymailadmin_web'@'%';
GRANT SELECT (id, kind, address, account_id, state, created_at, outcome,
	      updated_at, ended_at, open_address)
	ON pymailadmin_request TO 'pymailadmin_web'@'%';
GRANT EXECUTE ON PROCEDURE pymailadmin_request_cancel
	TO 'pymailadmin_web'@'%';

-- The portal's own tables. Roles are given by an administrator, with SQL.
GRANT SELECT, DELETE,
	INSERT (email, password, language, active),
	UPDATE (email, password, language, active, password_changed_at)
	ON pymailadmin_account TO 'pymailadmin_web'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE
	ON pymailadmin_session TO 'pymailadmin_web'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE
	ON pymailadmin_registration TO 'pymailadmin_web'@'%';
GRANT SELECT, INSERT, DELETE
	ON pymailadmin_account_domain TO 'pymailadmin_web'@'%';
GRANT SELECT, INSERT, DELETE
	ON pymailadmin_account_mailbox TO 'pymailadmin_web'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE
	ON pymailadmin_outbox TO 'pymailadmin_web'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE
	ON pymailadmin_rate_limit TO 'pymailadmin_web'@'%';

-- The history is only added to, with the database's time.
GRANT SELECT, INSERT (actor, address, kind, request_id, text)
	ON pymailadmin_event TO 'pymailadmin_web'@'%';

GRANT SELECT ON pymailadmin_heartbeat TO 'pymailadmin_web'@'%';
GRANT SELECT ON pymailadmin_schema_version TO 'pymailadmin_web'@'%';
