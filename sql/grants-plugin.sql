-- What Dovecot's account needs for pymailadmin, beside the rights it has to
-- look up users. It is the account in dovecot.conf, in mysql { user = ... } or
-- in a pymailadmin_sql { } block of its own. Make it first:
--
--   CREATE USER 'dovecot'@'localhost' IDENTIFIED BY '...';
--
-- and load this file into the database of the mail server, again after each
-- new numbered SQL file. For an account of another name or host, and for each
-- of several mail hosts:
--
--   sed "s/'dovecot'@'localhost'/'mail'@'10.0.0.3'/" grants-plugin.sql |
--     mariadb mail
--
-- Over the network best with certificates on both sides, as man
-- doveadm-pymailadmin-hosts has it:
--
--   CREATE USER 'mail'@'10.0.0.3' IDENTIFIED BY '...'
--     REQUIRE SUBJECT '/CN=mail-a.example.org';

-- The mail server's tables. The hash of a mailbox is updated; mailboxes are made
-- and removed, with its aliases, by procedures that want a request which is in
-- work by the caller (0007-creation.sql, 0008-deletion.sql). How that is done in
-- your tables, views-default.sql says.
GRANT SELECT ON pymailadmin_domain TO 'dovecot'@'localhost';
GRANT SELECT, INSERT, DELETE, UPDATE (password, active)
	ON pymailadmin_mailbox TO 'dovecot'@'localhost';
-- what earlier versions needed; only what has been granted can be revoked
REVOKE INSERT, DELETE, UPDATE (active)
	ON pymailadmin_mailbox FROM 'dovecot'@'localhost';
GRANT SELECT ON pymailadmin_alias TO 'dovecot'@'localhost';
GRANT EXECUTE ON PROCEDURE pymailadmin_create_file
	TO 'dovecot'@'localhost';
GRANT EXECUTE ON PROCEDURE pymailadmin_create_begin
	TO 'dovecot'@'localhost';
GRANT EXECUTE ON PROCEDURE pymailadmin_create_activate
	TO 'dovecot'@'localhost';
GRANT EXECUTE ON PROCEDURE pymailadmin_create_end
	TO 'dovecot'@'localhost';
GRANT EXECUTE ON PROCEDURE pymailadmin_deletion_finish
	TO 'dovecot'@'localhost';
GRANT EXECUTE ON PROCEDURE pymailadmin_mapping_check
	TO 'dovecot'@'localhost';

-- Which of several mail hosts works on what, and takes it (0011-backends.sql).
GRANT EXECUTE ON FUNCTION pymailadmin_backend_of TO 'dovecot'@'localhost';
GRANT EXECUTE ON PROCEDURE pymailadmin_request_claim
	TO 'dovecot'@'localhost';

-- Requests: filed by an administrator's command, worked on, cleared away. What
-- the seal is bound to is never updated.
GRANT SELECT, INSERT, DELETE,
	UPDATE (state, sealed, claimed_by, lease_until, attempts, retry_at,
		outcome, reason, mails_done, mails_total, bytes_done, bytes_total,
		storing_since, updated_at, ended_at)
	ON pymailadmin_request TO 'dovecot'@'localhost';

-- A mailbox that is gone has no owner; the owner is told what was done.
GRANT SELECT, DELETE
	ON pymailadmin_account_mailbox TO 'dovecot'@'localhost';
-- Whose a mailbox is, "list" says.
GRANT SELECT ON pymailadmin_owner_view TO 'dovecot'@'localhost';
-- Who asks for a deletion without the mailbox's password has to be a super admin.
GRANT SELECT ON pymailadmin_account_view TO 'dovecot'@'localhost';
-- what earlier versions needed, which is a right to all columns
GRANT SELECT (id, role, active)
	ON pymailadmin_account TO 'dovecot'@'localhost';
REVOKE SELECT (id, role, active)
	ON pymailadmin_account FROM 'dovecot'@'localhost';
GRANT SELECT, DELETE
	ON pymailadmin_reserved_address TO 'dovecot'@'localhost';
GRANT INSERT (account_id, template, address, args)
	ON pymailadmin_outbox TO 'dovecot'@'localhost';
GRANT SELECT, INSERT (actor, address, kind, request_id, text)
	ON pymailadmin_event TO 'dovecot'@'localhost';

GRANT SELECT, INSERT, UPDATE
	ON pymailadmin_heartbeat TO 'dovecot'@'localhost';
GRANT SELECT ON pymailadmin_schema_version TO 'dovecot'@'localhost';
