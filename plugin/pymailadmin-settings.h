#ifndef PYMAILADMIN_SETTINGS_H
#define PYMAILADMIN_SETTINGS_H

/* pymailadmin's settings in dovecot.conf. Compiled into each module that reads
   them, and into the settings module, through which doveconf learns their
   names. They reach every mail process: nothing secret may be among them. */

struct event;

enum pymailadmin_rekey_depth {
	/* Only the user keys' wrapping and the hash. */
	PYMAILADMIN_REKEY_DEPTH_PASSWORD,
	/* Also a new user key and new folder keys for mail to come. */
	PYMAILADMIN_REKEY_DEPTH_KEYS,
	/* Also the stored mail is encrypted to them; the old keys go. */
	PYMAILADMIN_REKEY_DEPTH_STORAGE
};

/* No mailbox may be closed longer than this. */
#define PYMAILADMIN_REKEY_WINDOW_MAX_SECS (15*60)

struct pymailadmin_settings {
	pool_t pool;

	/* Longest time a mailbox is closed, seconds. */
	unsigned int pymailadmin_rekey_window;
	const char *pymailadmin_rekey_depth;
	/* Processes that re-encrypt one mailbox; 0: as many as there are
	   processors. */
	unsigned int pymailadmin_rekey_workers;
	/* Bytes a second while the mailbox is open; 0: no limit. */
	uoff_t pymailadmin_rekey_rate;
	/* Bytes of disk that re-encrypting leaves free. */
	uoff_t pymailadmin_rekey_min_free;
	/* Remove dovecot.index.cache, which holds headers in the clear. */
	bool pymailadmin_rekey_drop_cache;
	/* Template: how the key password follows from the login password. */
	const char *pymailadmin_key_password;
	/* Scheme of the hashes "request password" makes. */
	const char *pymailadmin_password_scheme;
	/* What this host is called among several that share a database: it
	   takes the mailboxes that are said to be there; "": those of which
	   nothing is said. */
	const char *pymailadmin_backend;
	/* Path of the private seal key, root's alone. */
	const char *pymailadmin_seal_key_path;
	/* Template of what a refused login is told. %{opens} is the time it
	   opens at the latest, empty in the moment in which only the end of
	   the change opens it: %{opens | default('...')} names that one. */
	const char *pymailadmin_window_text;
	/* What a login is told while the mailbox is being made. */
	const char *pymailadmin_creation_text;
	/* Template of what a login is told while an administrator keeps the
	   mailbox closed; %{opens} as above. */
	const char *pymailadmin_maintenance_text;
	/* What a login is told while the database cannot be asked. */
	const char *pymailadmin_unavailable_text;
	/* How long a deletion can be canceled, seconds. */
	unsigned int pymailadmin_deletion_grace;
	/* How long an address stays reserved after one, seconds. */
	unsigned int pymailadmin_address_quarantine;

	/* generated: */
	enum pymailadmin_rekey_depth parsed_rekey_depth;
};

/* Of mail_crypt, whose header is not installed. */
struct pymailadmin_crypt_settings {
	pool_t pool;

	const char *crypt_user_key_password;
	const char *crypt_user_key_curve;
	const char *crypt_write_algorithm;
	const char *crypt_global_public_key_file;
	bool crypt_user_key_require_encrypted;
};

/* Of Dovecot's dict-file, whose struct is its own. */
struct pymailadmin_dict_file_settings {
	pool_t pool;

	const char *dict_file_path;
};

/* Filter name: "pymailadmin_sql { ... }" overrides the global sql settings. */
#define PYMAILADMIN_SQL_FILTER "pymailadmin_sql"

extern const struct setting_parser_info pymailadmin_setting_parser_info;
extern const struct setting_parser_info pymailadmin_crypt_setting_parser_info;
extern const struct setting_parser_info
pymailadmin_dict_file_setting_parser_info;

#endif
