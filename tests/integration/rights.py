"""What the two accounts may do with each table, view and procedure, and why:
all else is refused. A table, view or routine that is not named here for both
fails test_rights.py, as does a right that is not.

A line is a name without "pymailadmin_", then rights, with their columns unless
they are for all; after the # why."""

WEB = """
# The mail server's, through the views; hashes, to check the old password first.
domain: SELECT
mailbox: SELECT
alias: SELECT

# Requests are followed; not what is sealed, nor who works on them.
request_view: SELECT
request:
heartbeat: SELECT
schema_version: SELECT
reserved_address: SELECT

# Who has what is read. Of accounts only what people set themselves is written:
# no role, address or limit.
account: SELECT UPDATE(password language password_changed_at totp_secret
	totp_confirmed_at totp_last_step devices_since)
account_domain: SELECT
account_mailbox: SELECT
registration_view invitation_view: SELECT
registration invitation:
# The mail host's.
account_view owner_view create_file:

# The portal's own.
session: SELECT INSERT UPDATE DELETE
known_device: SELECT INSERT DELETE UPDATE(seen_at)
backup_code: SELECT INSERT DELETE UPDATE(used_at)
password_reset: SELECT INSERT DELETE
outbox: SELECT INSERT UPDATE DELETE
rate_limit: SELECT INSERT UPDATE DELETE

# The history is only added to, with the database's time.
event: SELECT INSERT(actor address kind request_id text hidden)

# Each decides for itself what it does.
alias_add alias_rename alias_delete: EXECUTE
request_file request_cancel request_retry: EXECUTE
reservations_clear address_free: EXECUTE
registration_file registration_link registration_confirm: EXECUTE
registration_accept registration_decline registrations_keep: EXECUTE
invitation_add invitation_end: EXECUTE
account_set_role account_set_active account_set_limits: EXECUTE
account_set_domains account_log_out mailbox_give: EXECUTE
account_add account_delete: EXECUTE

# Granted by grants-web-domains.sql only.
domain_add domain_remove:

# Steps of those above.
address_taken mailbox_lock alias_check alias_change create_check:
moderator_lock domains_check moderators_tell account_lock:
# The mail host's.
create_begin create_activate create_end deletion_finish mapping_check:
request_claim backend_of:
# The mapping's, which ask nobody.
mailbox_insert mailbox_activate mailbox_remove alias_insert mailbox_backend:
"""

PLUGIN = """
# A hash is switched; all else of the mail server's is done by procedures.
domain: SELECT
mailbox: SELECT UPDATE(password)
alias: SELECT

# Requests are filed, worked on and cleared away. What the seal is bound to is
# never updated.
request: SELECT INSERT DELETE UPDATE(state sealed claimed_by lease_until
	attempts retry_at outcome reason mails_done mails_total bytes_done
	bytes_total storing_since updated_at ended_at)

# Who asks for a deletion without a password has to be a super admin; a mailbox
# that is gone has no owner.
account_view owner_view: SELECT
account:
account_mailbox: SELECT DELETE
reserved_address: SELECT DELETE

# Owners are told, and administrators read what was done.
outbox: INSERT(account_id template address args)
event: SELECT INSERT(actor address kind request_id text)
heartbeat: SELECT INSERT UPDATE
schema_version: SELECT

# The portal's own are none of its business.
account_domain registration invitation session known_device backup_code:
password_reset rate_limit:
request_view registration_view invitation_view:

# Only with a request that it has claimed.
create_begin create_activate create_end deletion_finish: EXECUTE
mapping_check: EXECUTE
# An administrator asks for a mailbox, in nobody's name.
create_file: EXECUTE
# Only for hosts that have the mailbox; which they are is the mapping's to say.
request_claim backend_of: EXECUTE

# The portal's.
alias_add alias_rename alias_delete request_file request_cancel:
request_retry reservations_clear address_free registration_file:
registration_link registration_confirm registration_accept:
registration_decline registrations_keep invitation_add invitation_end:
account_set_role account_set_active account_set_limits account_set_domains:
account_log_out mailbox_give account_add account_delete domain_add:
domain_remove:
# Steps of others.
address_taken mailbox_lock alias_check alias_change create_check:
moderator_lock domains_check moderators_tell account_lock:
mailbox_insert mailbox_activate mailbox_remove alias_insert mailbox_backend:
"""

# Not pymailadmin's: Dovecot's own statements read it.
MAIL_TABLES = {"domain", "users", "alias"}
