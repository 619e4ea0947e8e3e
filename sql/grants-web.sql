-- What the portal may do, and nothing else. Whoever takes the portal's host
-- over has these rights: with them no sealed request can be read, no password
-- or mailbox of the mail server be written, no request be moved on, no history
-- be rewritten, and no mail that goes to a mailbox or alias be led elsewhere.
-- Procedures that act for an account do what that account may, and believe the
-- portal which account it is: in the name of a super admin accounts can be made
-- and deleted, their roles and whose a mailbox is be changed, each of which is
-- in the history, and told to whom it is about. No mail is read by that: it is
-- encrypted.
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

-- What the portal changes of them, and what it asks the mail host for: only by
-- procedures, which check under locks whether it may be (0003-portal.sql). A
-- right to insert requests could have any mailbox deleted, one to insert
-- aliases any mail led elsewhere, one to insert owners any mailbox taken over.
GRANT EXECUTE ON PROCEDURE pymailadmin_alias_add TO 'pymailadmin_web'@'%';
GRANT EXECUTE ON PROCEDURE pymailadmin_alias_rename TO 'pymailadmin_web'@'%';
GRANT EXECUTE ON PROCEDURE pymailadmin_alias_delete TO 'pymailadmin_web'@'%';
GRANT EXECUTE ON PROCEDURE pymailadmin_request_file TO 'pymailadmin_web'@'%';
GRANT EXECUTE ON PROCEDURE pymailadmin_request_cancel
	TO 'pymailadmin_web'@'%';
GRANT EXECUTE ON PROCEDURE pymailadmin_reservations_clear
	TO 'pymailadmin_web'@'%';
GRANT EXECUTE ON PROCEDURE pymailadmin_address_free
	TO 'pymailadmin_web'@'%';

-- Who asks for an account and who decides, likewise (0004-joining.sql): a right
-- to insert accounts could make anybody an administrator. Of a registration all
-- but the hash of its password is read.
GRANT EXECUTE ON PROCEDURE pymailadmin_registration_file
	TO 'pymailadmin_web'@'%';
GRANT EXECUTE ON PROCEDURE pymailadmin_registration_link
	TO 'pymailadmin_web'@'%';
GRANT EXECUTE ON PROCEDURE pymailadmin_registration_confirm
	TO 'pymailadmin_web'@'%';
GRANT EXECUTE ON PROCEDURE pymailadmin_registration_accept
	TO 'pymailadmin_web'@'%';
GRANT EXECUTE ON PROCEDURE pymailadmin_registration_decline
	TO 'pymailadmin_web'@'%';
GRANT EXECUTE ON PROCEDURE pymailadmin_registrations_keep
	TO 'pymailadmin_web'@'%';
GRANT EXECUTE ON PROCEDURE pymailadmin_invitation_add
	TO 'pymailadmin_web'@'%';
GRANT EXECUTE ON PROCEDURE pymailadmin_invitation_end
	TO 'pymailadmin_web'@'%';
GRANT SELECT ON pymailadmin_registration_view TO 'pymailadmin_web'@'%';
GRANT SELECT ON pymailadmin_invitation_view TO 'pymailadmin_web'@'%';

-- A request that waits is tried at once, by super admins (0006-notices.sql).
GRANT EXECUTE ON PROCEDURE pymailadmin_request_retry
	TO 'pymailadmin_web'@'%';

-- What super admins change of accounts, which they make and delete, and whose a
-- mailbox is (0005-administration.sql, 0010-accounts.sql). Domains:
-- grants-web-domains.sql.
GRANT EXECUTE ON PROCEDURE pymailadmin_account_add TO 'pymailadmin_web'@'%';
GRANT EXECUTE ON PROCEDURE pymailadmin_account_delete
	TO 'pymailadmin_web'@'%';
GRANT EXECUTE ON PROCEDURE pymailadmin_account_set_role
	TO 'pymailadmin_web'@'%';
GRANT EXECUTE ON PROCEDURE pymailadmin_account_set_active
	TO 'pymailadmin_web'@'%';
GRANT EXECUTE ON PROCEDURE pymailadmin_account_set_limits
	TO 'pymailadmin_web'@'%';
GRANT EXECUTE ON PROCEDURE pymailadmin_account_set_domains
	TO 'pymailadmin_web'@'%';
GRANT EXECUTE ON PROCEDURE pymailadmin_account_log_out
	TO 'pymailadmin_web'@'%';
GRANT EXECUTE ON PROCEDURE pymailadmin_mailbox_give
	TO 'pymailadmin_web'@'%';

GRANT SELECT ON pymailadmin_account_domain TO 'pymailadmin_web'@'%';
GRANT SELECT ON pymailadmin_account_mailbox TO 'pymailadmin_web'@'%';

-- Requests are followed. Not the sealed part, nor who works on it. A right to
-- some columns of a table would be one to all (0013-rights.sql).
GRANT SELECT ON pymailadmin_request_view TO 'pymailadmin_web'@'%';

-- The portal's own tables.
GRANT SELECT,
	UPDATE (password, language, password_changed_at, totp_secret,
		totp_confirmed_at, totp_last_step, devices_since)
	ON pymailadmin_account TO 'pymailadmin_web'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE
	ON pymailadmin_session TO 'pymailadmin_web'@'%';
GRANT SELECT, INSERT, DELETE, UPDATE (seen_at)
	ON pymailadmin_known_device TO 'pymailadmin_web'@'%';
GRANT SELECT, INSERT, DELETE, UPDATE (used_at)
	ON pymailadmin_backup_code TO 'pymailadmin_web'@'%';
GRANT SELECT, INSERT, DELETE
	ON pymailadmin_password_reset TO 'pymailadmin_web'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE
	ON pymailadmin_outbox TO 'pymailadmin_web'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE
	ON pymailadmin_rate_limit TO 'pymailadmin_web'@'%';

-- The history is only added to, with the database's time.
GRANT SELECT, INSERT (actor, address, kind, request_id, text, hidden)
	ON pymailadmin_event TO 'pymailadmin_web'@'%';

-- What deleted mailboxes were called.
GRANT SELECT ON pymailadmin_reserved_address TO 'pymailadmin_web'@'%';

GRANT SELECT ON pymailadmin_heartbeat TO 'pymailadmin_web'@'%';
GRANT SELECT ON pymailadmin_schema_version TO 'pymailadmin_web'@'%';
