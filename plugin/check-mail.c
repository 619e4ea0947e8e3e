#include "lib.h"
#include "array.h"
#include "dcrypt.h"
#include "dict.h"
#include "hash-method.h"
#include "settings.h"
#include "str.h"
#include "mail-storage-settings.h"
#include "pymailadmin-protocol.h"
#include "pymailadmin-settings.h"
#include "crypt-key.h"
#include "check-config.h"
#include "check-module.h"
#include "check.h"

#include <sysexits.h>

/* Whatever opens a mailbox. Last, how the process that changes keys does. */
static const char *const mail_protocols[] = {
	"imap", "pop3", "lmtp", "lda", "submission", "indexer-worker",
	"doveadm", PYMAILADMIN_PROTOCOL
};

static const char *const wanted_plugins[] = { "mail_crypt", "pymailadmin" };

/* Returns FALSE with what is wrong for a protocol, or TRUE with what it has. */
typedef bool protocol_check_t(struct event *event, const char **text_r);

static void check_protocols(struct check *check, const char *name,
			    protocol_check_t *protocol_check)
{
	const char *text, *bad_text = NULL, *bad_protocol = NULL;
	unsigned int i, bad = 0;

	for (i = 0; i < N_ELEMENTS(mail_protocols); i++) {
		struct event *event =
			check_config_event(check->config, mail_protocols[i]);

		if (!protocol_check(event, &text) && bad++ == 0) {
			bad_text = text;
			bad_protocol = mail_protocols[i];
		}
		event_unref(&event);
	}
	if (bad == 0) {
		check_ok(check, name, "%s", text);
	} else if (bad == i) {
		check_error(check, name, EX_CONFIG, "%s", bad_text);
	} else {
		check_error(check, name, EX_CONFIG, "in protocol %s: %s",
			    bad_protocol, bad_text);
	}
}

static int plugin_is_loaded(struct check *check, const char *plugin,
			    const char *protocol, const char **error_r)
{
	struct event *event = check_config_event(check->config, protocol);
	const struct mail_user_settings *set;
	const char *const *plugins;
	int ret;

	ret = settings_get(event, &mail_user_setting_parser_info,
			   SETTINGS_GET_FLAG_NO_CHECK |
			   SETTINGS_GET_FLAG_NO_EXPAND, &set, error_r);
	event_unref(&event);
	if (ret < 0)
		return -1;
	if (array_is_created(&set->mail_plugins)) {
		plugins = settings_boollist_get(&set->mail_plugins);
		ret = str_array_find(plugins, plugin) ? 1 : 0;
	}
	settings_free(set);
	return ret;
}

/* Says where the plugin is not loaded. Returns 0, or -1 on error. */
static int plugin_add_missing(struct check *check, const char *plugin,
			      string_t *str, const char **error_r)
{
	string_t *protocols = t_str_new(128);
	bool loaded = FALSE;
	unsigned int i;
	int ret;

	for (i = 0; i < N_ELEMENTS(mail_protocols); i++) {
		/* it needs none */
		if (strcmp(mail_protocols[i], PYMAILADMIN_PROTOCOL) == 0)
			continue;
		ret = plugin_is_loaded(check, plugin, mail_protocols[i],
				       error_r);
		if (ret < 0)
			return -1;
		if (ret > 0) {
			loaded = TRUE;
			continue;
		}
		if (str_len(protocols) > 0)
			str_append(protocols, ", ");
		str_append(protocols, mail_protocols[i]);
	}
	if (str_len(protocols) == 0)
		return 0;
	str_printfa(str, "%s is not loaded%s%s; ", plugin,
		    loaded ? " in protocol " : "",
		    loaded ? str_c(protocols) : "");
	return 0;
}

static void check_plugins(struct check *check)
{
	string_t *missing = t_str_new(128);
	const char *name = "mail plugins", *error;
	unsigned int i;

	for (i = 0; i < N_ELEMENTS(wanted_plugins); i++) {
		if (plugin_add_missing(check, wanted_plugins[i], missing,
				       &error) < 0) {
			check_error(check, name, EX_CONFIG, "%s", error);
			return;
		}
	}
	if (str_len(missing) > 0) {
		check_error(check, name, EX_CONFIG, "%sset outside of all "
			"protocol { } blocks: mail_plugins { mail_crypt = yes "
			"pymailadmin = yes }", str_c(missing));
	} else {
		check_ok(check, name, "mail_crypt and pymailadmin are loaded "
			 "by all that open mailboxes");
	}
}

static void check_modules(struct check *check)
{
	const char *const paths[] = {
		MODULEDIR"/lib10_mail_crypt_plugin.so",
		MODULEDIR"/lib15_pymailadmin_plugin.so",
		MODULEDIR"/auth/libauthdb_pymailadmin.so",
		MODULEDIR"/settings/libpymailadmin_settings.so",
	};
	const char *name = "modules", *error;
	unsigned int i;

	for (i = 0; i < N_ELEMENTS(paths); i++) {
		if (check_module_abi(paths[i], &error) <= 0) {
			check_error(check, name, EX_CONFIG, "%s; install "
				"pymailadmin for Dovecot "DOVECOT_VERSION,
				error);
			return;
		}
	}
	check_ok(check, name, "all there, for Dovecot "DOVECOT_VERSION);
}

static int crypt_settings_get(struct event *event,
			      const struct pymailadmin_crypt_settings **set_r,
			      const char **text_r)
{
	return settings_get(event, &pymailadmin_crypt_setting_parser_info,
			    SETTINGS_GET_FLAG_NO_EXPAND, set_r, text_r);
}

static bool curve_is_known(const char *curve, const char **error_r)
{
	struct dcrypt_keypair pair;

	if (crypt_key_init(error_r) < 0 ||
	    !dcrypt_keypair_generate(&pair, DCRYPT_KEY_EC, 0, curve, error_r))
		return FALSE;
	dcrypt_keypair_unref(&pair);
	return TRUE;
}

static bool mail_crypt_check(struct event *event, const char **text_r)
{
	const struct pymailadmin_crypt_settings *set;
	const char *error;
	bool ok = FALSE;

	if (crypt_settings_get(event, &set, text_r) < 0)
		return FALSE;
	if (set->crypt_user_key_curve[0] == '\0') {
		*text_r = "mailboxes get no keys; set "
			"crypt_user_key_curve = X25519";
	} else if (!curve_is_known(set->crypt_user_key_curve, &error)) {
		*text_r = t_strdup_printf("crypt_user_key_curve = %s does not "
			"work: %s; set it to X25519",
			set->crypt_user_key_curve, error);
	} else if (!set->crypt_user_key_require_encrypted) {
		*text_r = "keys may be stored in the clear; set "
			"crypt_user_key_require_encrypted = yes";
	} else if (set->crypt_global_public_key_file[0] != '\0') {
		*text_r = "mail is encrypted to one key for all instead of "
			"the mailbox's; remove crypt_global_public_key_file";
	} else {
		*text_r = t_strdup_printf("a key for each mailbox, stored "
			"encrypted, curve %s", set->crypt_user_key_curve);
		ok = TRUE;
	}
	settings_free(set);
	return ok;
}

/* Dovecot 2.4.1 to 2.4.3 take the algorithms without an authentication tag of
   their own for those with, and ChaCha20-Poly1305 for one without. */
static bool only_gcm_is_safe(void)
{
	return DOVECOT_VERSION_MAJOR == 2 && DOVECOT_VERSION_MINOR == 4 &&
		DOVECOT_VERSION_MICRO < 4;
}

static bool algorithm_is_known(const char *algorithm, const char **error_r)
{
	struct dcrypt_context_symmetric *ctx;
	const char *digest = strrchr(algorithm, '-');

	if (digest == NULL) {
		*error_r = "it is not of the form cipher-digest";
		return FALSE;
	}
	if (crypt_key_init(error_r) < 0 ||
	    !dcrypt_ctx_sym_create(t_strdup_until(algorithm, digest),
				   DCRYPT_MODE_ENCRYPT, &ctx, error_r))
		return FALSE;
	dcrypt_ctx_sym_destroy(&ctx);
	if (hash_method_lookup(digest + 1) == NULL) {
		*error_r = t_strdup_printf("unknown digest %s", digest + 1);
		return FALSE;
	}
	return TRUE;
}

static bool mail_cipher_check(struct event *event, const char **text_r)
{
	const struct pymailadmin_crypt_settings *set;
	const char *algorithm, *error;

	if (crypt_settings_get(event, &set, text_r) < 0)
		return FALSE;
	algorithm = t_strdup(set->crypt_write_algorithm);
	settings_free(set);

	if (algorithm[0] == '\0')
		*text_r = "mail is stored unencrypted; set "
			"crypt_write_algorithm = aes-256-gcm-sha256";
	else if (!algorithm_is_known(algorithm, &error)) {
		*text_r = t_strdup_printf("crypt_write_algorithm = %s does "
			"not work: %s; set it to aes-256-gcm-sha256",
			algorithm, error);
	} else if (only_gcm_is_safe() &&
		   strcasestr(algorithm, "-gcm-") == NULL) {
		*text_r = t_strdup_printf("Dovecot "DOVECOT_VERSION" encrypts "
			"wrongly with crypt_write_algorithm = %s; set it to "
			"aes-256-gcm-sha256", algorithm);
	} else {
		*text_r = algorithm;
		return TRUE;
	}
	return FALSE;
}

static bool dict_check_driver(const char *driver, const char *path,
			      const char **text_r)
{
	if (strcmp(driver, "file") == 0) {
		*text_r = str_begins_with(path, "%{home}/") ||
			str_begins_with(path, "~/") ?
			t_strdup_printf("file %s; back it up with the mail",
					path) :
			t_strdup_printf("file %s, which is not in the "
				"mailbox's home: back it up, too", path);
		return TRUE;
	}
	if (strcmp(driver, "sql") == 0) {
		*text_r = "sql";
		return TRUE;
	}
	if (strcmp(driver, "proxy") == 0) {
		*text_r = "proxy; what is behind it must be a file or sql";
		return TRUE;
	}
	*text_r = t_strdup_printf("the dict driver %s cannot change several "
		"keys at once; use file or sql", driver);
	return FALSE;
}

static bool key_dict_check(struct event *event, const char **text_r)
{
	const struct pymailadmin_dict_file_settings *file_set = NULL;
	const struct dict_settings *set;
	const char *name;
	bool ok = FALSE;

	settings_event_add_filter_name(event, "mail_attribute");
	if (settings_get(event, &dict_setting_parser_info,
			 SETTINGS_GET_FLAG_NO_EXPAND, &set, text_r) < 0)
		return FALSE;
	if (!array_is_created(&set->dicts) || array_is_empty(&set->dicts)) {
		*text_r = "there is no place for the keys; set mail_attribute "
			"{ dict file { path = %{home}/dovecot-attributes } }";
		settings_free(set);
		return FALSE;
	}
	name = t_strdup(array_idx_elem(&set->dicts, 0));
	settings_free(set);

	event_add_str(event, "dict", name);
	settings_event_add_list_filter_name(event, "dict", name);
	if (settings_get(event, &dict_setting_parser_info,
			 SETTINGS_GET_FLAG_NO_EXPAND, &set, text_r) == 0 &&
	    settings_get(event, &pymailadmin_dict_file_setting_parser_info,
			 SETTINGS_GET_FLAG_NO_EXPAND, &file_set, text_r) == 0)
		ok = dict_check_driver(set->dict_driver,
				       file_set->dict_file_path, text_r);
	settings_free(file_set);
	settings_free(set);
	return ok;
}

void check_mail(struct check *check)
{
	check_plugins(check);
	check_modules(check);
	check_protocols(check, "mail_crypt", mail_crypt_check);
	check_protocols(check, "mail cipher", mail_cipher_check);
	check_protocols(check, "key storage", key_dict_check);
}
