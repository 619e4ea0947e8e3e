#ifndef SETTINGS_H
#define SETTINGS_H

/* The portal's settings, from a file of lines "key = value" that the man page
   pymailadmin-web.conf(5) describes. They do not change as long as the program
   runs. Any thread may read them. */

#include "network.h"
#include "sealed-request.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SETTINGS_FILE_DEFAULT "/etc/pymailadmin/web.conf"
#define SETTINGS_SECRET_KEY_SIZE 32

enum settings_password_scheme {
	PASSWORD_SCHEME_ARGON2ID,
	PASSWORD_SCHEME_ARGON2I,
	PASSWORD_SCHEME_BLF_CRYPT,
	PASSWORD_SCHEME_SHA512_CRYPT,
	PASSWORD_SCHEME_SHA256_CRYPT,
	PASSWORD_SCHEME_PBKDF2
};

enum settings_quota_format {
	/* "1073741824" */
	QUOTA_FORMAT_BYTES,
	/* "1G" */
	QUOTA_FORMAT_HUMAN
};

/* Who may ask for an account. */
enum settings_registration {
	REGISTRATIONS_OFF,
	REGISTRATIONS_OPEN,
	/* Who has a code. */
	REGISTRATIONS_INVITED
};

/* Bits of two_factor_required. */
enum settings_role {
	SETTINGS_ROLE_USER = 0x01,
	SETTINGS_ROLE_ADMIN = 0x02,
	SETTINGS_ROLE_SUPER_ADMIN = 0x04
};

/* So many at once, and as many again in the course of this time. */
struct settings_rate {
	unsigned int burst;
	uint32_t refill_secs;
};

struct settings_list {
	const char **items;
	size_t count;
};

/* Texts that are not set are "". */
struct settings {
	const char *listen, *metrics_listen;
	/* Scheme, host and port: what browsers call the origin. */
	const char *base_url;
	/* base_url is https. */
	bool secure;
	struct network *trusted_proxies;
	size_t trusted_proxies_count;
	const char *product_name, *default_language;
	unsigned int log_level; /* enum log_level */

	const char *database_host, *database_socket, *database_name;
	const char *database_user, *database_password;
	const char *database_tls_ca, *database_tls_cert, *database_tls_key;
	unsigned int database_port;

	struct seal_public_key seal_key;
	/* Encrypts TOTP secrets and keys the subjects of rate limits. */
	unsigned char secret_key[SETTINGS_SECRET_KEY_SIZE];

	unsigned int threads, hash_threads, hash_queue;
	/* For reading a request, and for sending its answer. */
	uint32_t request_timeout_secs;
	uint32_t session_idle_secs, session_lifetime_secs;
	/* Bits of enum settings_role. */
	unsigned int two_factor_required;

	unsigned int registration; /* enum settings_registration */
	/* What the reason should say, in the administrator's words. */
	const char *registration_text_en, *registration_text_fr;

	unsigned int manage_domains; /* 1: super admins add and remove them */
	unsigned int max_mailboxes, max_aliases;
	unsigned int mailbox_name_min, alias_name_min, name_max;
	/* Local parts nobody can have, in lower case. */
	struct settings_list reserved_names;
	/* One character or none. */
	const char *recipient_delimiter;
	uint64_t quota_min, quota_max;
	unsigned int quota_format; /* enum settings_quota_format */

	unsigned int password_scheme; /* enum settings_password_scheme */
	unsigned int password_argon2_memory; /* KiB */
	unsigned int password_argon2_time, password_argon2_parallelism;
	unsigned int password_bcrypt_cost, password_sha_rounds;
	unsigned int password_pbkdf2_rounds;
	unsigned int password_min_length, password_min_strength;

	/* As the mail host has them. */
	uint32_t rekey_window_secs, deletion_grace_secs;

	const char *smtp_url, *smtp_tls_ca, *smtp_user, *smtp_password;
	const char *mail_from;

	struct settings_rate limit_login_account, limit_login_address;
	struct settings_rate limit_code, limit_reset;
	struct settings_rate limit_registration_account;
	struct settings_rate limit_registration_address;
};

/* Reads and checks the file. Returns NULL if anything is wrong with it, and
   then has called error() for each thing, with a line that names file, line and
   key, and never holds a secret. */
struct settings *settings_read(const char *path,
			       void (*error)(void *context, const char *text),
			       void *context);
/* Wipes the secrets. */
void settings_free(struct settings **set);

#endif
