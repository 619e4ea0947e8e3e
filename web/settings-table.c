#include "settings-table.h"
#include "arena.h"
#include "bytes.h"
#include "http-listen.h"
#include "settings-types.h"
#include "settings.h"

#include <string.h>

#define FIELD(type) (*(type *)((char *)set + def->offset))

static const char *parse_text(const struct settings_def *def,
			      struct arena *arena, const char *value,
			      struct settings *set)
{
	const size_t len = strlen(value);

	(void)arena;
	if (len < def->min)
		return "must not be empty";
	if (def->max > 0 && len > def->max)
		return "too long";
	FIELD(const char *) = value;
	return NULL;
}

static const char *parse_path(const struct settings_def *def,
			      struct arena *arena, const char *value,
			      struct settings *set)
{
	if (value[0] != '\0' && value[0] != '/')
		return "not a path from the root";
	FIELD(const char *) = settings_file_path(arena, value);
	return NULL;
}

static const char *parse_number(const struct settings_def *def,
				struct arena *arena, const char *value,
				struct settings *set)
{
	uint64_t number = 0;
	const char *error = settings_parse_number(arena, value, def->min,
						  def->max, &number);

	if (error == NULL)
		FIELD(unsigned int) = (unsigned int)number;
	return error;
}

static const char *parse_size(const struct settings_def *def,
			      struct arena *arena, const char *value,
			      struct settings *set)
{
	return settings_parse_size(arena, value, def->min, def->max,
				   &FIELD(uint64_t));
}

static const char *parse_secs(const struct settings_def *def,
			      struct arena *arena, const char *value,
			      struct settings *set)
{
	uint64_t secs = 0;
	const char *error = settings_parse_secs(arena, value, def->min,
						def->max, &secs);

	if (error == NULL)
		FIELD(uint32_t) = (uint32_t)secs;
	return error;
}

static const char *parse_rate(const struct settings_def *def,
			      struct arena *arena, const char *value,
			      struct settings *set)
{
	return settings_parse_rate(arena, value, &FIELD(struct settings_rate));
}

static const char *parse_list(const struct settings_def *def,
			      struct arena *arena, const char *value,
			      struct settings *set)
{
	return settings_parse_list(arena, value, &FIELD(struct settings_list));
}

static const char *parse_choice(const struct settings_def *def,
				struct arena *arena, const char *value,
				struct settings *set)
{
	const char *all = "";
	unsigned int i;

	for (i = 0; def->names[i] != NULL; i++) {
		if (strcmp(def->names[i], value) == 0) {
			FIELD(unsigned int) = i;
			return NULL;
		}
		all = arena_printf(arena, "%s%s%s", all, i == 0 ? "" : ", ",
				   def->names[i]);
	}
	return arena_printf(arena, "not one of %s", all);
}

static const char *parse_roles(const struct settings_def *def,
			       struct arena *arena, const char *value,
			       struct settings *set)
{
	static const char *const names[] = { "user", "admin", "super_admin" };
	struct settings_list list = { NULL, 0 };
	unsigned int roles = 0, role;
	size_t i;

	(void)settings_parse_list(arena, value, &list);
	for (i = 0; i < list.count; i++) {
		for (role = 0; role < 3; role++) {
			if (strcmp(list.items[i], names[role]) == 0)
				break;
		}
		if (role == 3)
			return "not a list of user, admin, super_admin";
		roles |= 1U << role;
	}
	FIELD(unsigned int) = roles;
	return NULL;
}

static const char *parse_networks(const struct settings_def *def,
				  struct arena *arena, const char *value,
				  struct settings *set)
{
	struct settings_list list = { NULL, 0 };
	struct network *networks;
	size_t i;

	(void)def;
	(void)settings_parse_list(arena, value, &list);
	networks = arena_new(arena, struct network, list.count);
	for (i = 0; i < list.count; i++) {
		if (!network_parse(list.items[i], &networks[i]))
			return arena_printf(arena, "\"%s\" is no address, no "
				"network such as 192.0.2.0/24, and not "
				"\"unix\"", list.items[i]);
	}
	set->trusted_proxies = networks;
	set->trusted_proxies_count = list.count;
	return NULL;
}

static const char *parse_listen(const struct settings_def *def,
				struct arena *arena, const char *value,
				struct settings *set)
{
	(void)arena;
	if (value[0] == '\0' ? def->min > 0 : !http_listen_parse(value))
		return "not address:port, [address]:port, unix:/path or "
			"systemd";
	FIELD(const char *) = value;
	return NULL;
}

static const char *parse_origin(const struct settings_def *def,
				struct arena *arena, const char *value,
				struct settings *set)
{
	const char *error = settings_parse_origin(arena, value,
						  &FIELD(const char *));

	if (error == NULL)
		set->secure = strncmp(value, "https:", 6) == 0;
	return error;
}

static const char *parse_delimiter(const struct settings_def *def,
				   struct arena *arena, const char *value,
				   struct settings *set)
{
	(void)arena;
	if (value[0] != '\0' && (value[1] != '\0' || value[0] <= ' ' ||
				 value[0] > '~' || value[0] == '@'))
		return "not one character";
	FIELD(const char *) = value;
	return NULL;
}

static const char *parse_seal_key(const struct settings_def *def,
				  struct arena *arena, const char *value,
				  struct settings *set)
{
	const char *error;

	(void)def; (void)arena;
	if (seal_public_key_parse(value, &set->seal_key, &error) < 0)
		return error;
	return NULL;
}

/* A password in a file of its own. */
static const char *parse_secret_file(const struct settings_def *def,
				     struct arena *arena, const char *value,
				     struct settings *set)
{
	if (value[0] == '\0') {
		if (FIELD(const char *) == NULL)
			FIELD(const char *) = value;
		return NULL;
	}
	return settings_read_secret(arena, value, &FIELD(const char *));
}

static const char *parse_secret_key(const struct settings_def *def,
				    struct arena *arena, const char *value,
				    struct settings *set)
{
	const char *text, *error;

	(void)def;
	error = settings_read_secret(arena, value, &text);
	if (error != NULL)
		return error;
	return bytes_from_hex(text, set->secret_key,
			      sizeof(set->secret_key)) ? NULL :
		"the file does not hold 64 hex digits in lower case";
}

static const char *const log_levels[] = {
	"error", "warning", "info", "debug", NULL
};
static const char *const registrations[] = {
	"off", "open", "invitation", NULL
};
static const char *const no_yes[] = { "no", "yes", NULL };
static const char *const quota_formats[] = { "bytes", "human", NULL };
static const char *const schemes[] = {
	"ARGON2ID", "ARGON2I", "BLF-CRYPT", "SHA512-CRYPT", "SHA256-CRYPT",
	"PBKDF2", NULL
};

#define AT(field) offsetof(struct settings, field)
#define PIB (1ULL << 50)
#define HOUR 3600
#define DAY (24 * HOUR)

/* The order of the man page. */
const struct settings_def settings_table[] = {
	{ "listen", parse_listen, AT(listen), "127.0.0.1:8686", 1, 0,
	  NULL, false },
	{ "metrics_listen", parse_listen, AT(metrics_listen),
	  "127.0.0.1:8687", 0, 0, NULL, false },
	{ "base_url", parse_origin, AT(base_url), NULL, 0, 0, NULL, false },
	{ "trusted_proxies", parse_networks, 0, "", 0, 0, NULL, true },
	{ "product_name", parse_text, AT(product_name), "pymailadmin",
	  1, 60, NULL, false },
	{ "default_language", parse_text, AT(default_language), "en",
	  2, 10, NULL, false },
	{ "log_level", parse_choice, AT(log_level), "info", 0, 0,
	  log_levels, false },
	{ "threads", parse_number, AT(threads), "2", 1, 64, NULL, false },
	{ "hash_threads", parse_number, AT(hash_threads), "0", 0, 64,
	  NULL, false },
	{ "hash_queue", parse_number, AT(hash_queue), "64", 1, 10000,
	  NULL, false },
	{ "request_timeout", parse_secs, AT(request_timeout_secs), "20s",
	  1, 300, NULL, false },

	{ "database_host", parse_text, AT(database_host), "127.0.0.1",
	  0, 255, NULL, false },
	{ "database_port", parse_number, AT(database_port), "3306",
	  1, 65535, NULL, false },
	{ "database_socket", parse_path, AT(database_socket), "", 0, 0,
	  NULL, false },
	{ "database_name", parse_text, AT(database_name), NULL, 1, 64,
	  NULL, false },
	{ "database_user", parse_text, AT(database_user),
	  "pymailadmin_web", 1, 80, NULL, false },
	{ "database_password", parse_text, AT(database_password), "",
	  0, 1024, NULL, false },
	{ "database_password_file", parse_secret_file,
	  AT(database_password), "", 0, 0, NULL, false },
	{ "database_tls_ca", parse_path, AT(database_tls_ca), "", 0, 0,
	  NULL, false },
	{ "database_tls_cert", parse_path, AT(database_tls_cert), "", 0, 0,
	  NULL, false },
	{ "database_tls_key", parse_path, AT(database_tls_key), "", 0, 0,
	  NULL, false },

	{ "seal_key", parse_seal_key, 0, NULL, 0, 0, NULL, false },
	{ "secret_key_file", parse_secret_key, 0, NULL, 0, 0, NULL, false },
	{ "session_idle", parse_secs, AT(session_idle_secs), "2 hours",
	  60, 7 * DAY, NULL, false },
	{ "session_lifetime", parse_secs, AT(session_lifetime_secs),
	  "12 hours", 5 * 60, 30 * DAY, NULL, false },
	{ "two_factor_required", parse_roles, AT(two_factor_required), "",
	  0, 0, NULL, true },
	{ "limit_login_account", parse_rate, AT(limit_login_account),
	  "10/15m", 0, 0, NULL, false },
	{ "limit_login_address", parse_rate, AT(limit_login_address),
	  "30/15m", 0, 0, NULL, false },
	{ "limit_code", parse_rate, AT(limit_code), "5/15m", 0, 0,
	  NULL, false },
	{ "limit_reset", parse_rate, AT(limit_reset), "3/1h", 0, 0,
	  NULL, false },

	{ "registration", parse_choice, AT(registration), "off", 0, 0,
	  registrations, false },
	{ "registration_text_en", parse_text, AT(registration_text_en), "",
	  0, 1000, NULL, true },
	{ "registration_text_fr", parse_text, AT(registration_text_fr), "",
	  0, 1000, NULL, true },
	{ "limit_registration_account", parse_rate,
	  AT(limit_registration_account), "3/1d", 0, 0, NULL, false },
	{ "limit_registration_address", parse_rate,
	  AT(limit_registration_address), "10/1h", 0, 0, NULL, false },

	{ "manage_domains", parse_choice, AT(manage_domains), "no", 0, 0,
	  no_yes, false },
	{ "max_mailboxes", parse_number, AT(max_mailboxes), "3",
	  0, 100000, NULL, false },
	{ "max_aliases", parse_number, AT(max_aliases), "100",
	  0, 100000, NULL, false },
	{ "mailbox_name_min", parse_number, AT(mailbox_name_min), "6",
	  1, 64, NULL, false },
	{ "alias_name_min", parse_number, AT(alias_name_min), "8",
	  1, 64, NULL, false },
	{ "name_max", parse_number, AT(name_max), "64", 1, 64, NULL, false },
	{ "reserved_names", parse_list, AT(reserved_names),
	  "abuse admin administrator contact ftp help hostmaster info list "
	  "mailer-daemon majordomo news nobody noc noreply no-reply "
	  "postmaster privacy root sales security ssl-admin ssladmin "
	  "sslwebmaster support sysadmin usenet uucp webmaster www",
	  0, 0, NULL, true },
	{ "recipient_delimiter", parse_delimiter, AT(recipient_delimiter),
	  "+", 0, 0, NULL, false },
	{ "quota_min", parse_size, AT(quota_min), "1G", 1, PIB, NULL, false },
	{ "quota_max", parse_size, AT(quota_max), "5G", 1, PIB, NULL, false },
	{ "quota_format", parse_choice, AT(quota_format), "bytes", 0, 0,
	  quota_formats, false },

	{ "password_scheme", parse_choice, AT(password_scheme), "ARGON2ID",
	  0, 0, schemes, false },
	{ "password_argon2_memory", parse_number,
	  AT(password_argon2_memory), "65536", 19456, 1048576, NULL, false },
	{ "password_argon2_time", parse_number, AT(password_argon2_time),
	  "3", 1, 20, NULL, false },
	{ "password_argon2_parallelism", parse_number,
	  AT(password_argon2_parallelism), "1", 1, 16, NULL, false },
	{ "password_bcrypt_cost", parse_number, AT(password_bcrypt_cost),
	  "12", 10, 16, NULL, false },
	{ "password_sha_rounds", parse_number, AT(password_sha_rounds),
	  "500000", 100000, 5000000, NULL, false },
	{ "password_pbkdf2_rounds", parse_number,
	  AT(password_pbkdf2_rounds), "200000", 100000, 10000000,
	  NULL, false },
	{ "password_min_length", parse_number, AT(password_min_length),
	  "12", 8, 64, NULL, false },
	{ "password_min_strength", parse_number, AT(password_min_strength),
	  "3", 1, 4, NULL, false },
	{ "rekey_window", parse_secs, AT(rekey_window_secs), "15 mins",
	  60, DAY, NULL, false },
	{ "deletion_grace", parse_secs, AT(deletion_grace_secs), "48 hours",
	  0, 366 * DAY, NULL, false },

	{ "smtp_url", parse_text, AT(smtp_url), "", 0, 255, NULL, false },
	{ "smtp_tls_ca", parse_path, AT(smtp_tls_ca), "", 0, 0, NULL, false },
	{ "smtp_user", parse_text, AT(smtp_user), "", 0, 255, NULL, false },
	{ "smtp_password_file", parse_secret_file, AT(smtp_password), "",
	  0, 0, NULL, false },
	{ "mail_from", parse_text, AT(mail_from), "", 0, 255, NULL, false },
};

const unsigned int settings_table_count =
	sizeof(settings_table) / sizeof(settings_table[0]);

const struct settings_def *settings_table_find(const char *key)
{
	unsigned int i;

	for (i = 0; i < settings_table_count; i++) {
		if (strcmp(settings_table[i].key, key) == 0)
			return &settings_table[i];
	}
	return NULL;
}
