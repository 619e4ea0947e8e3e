#include "lib.h"
#include "array.h"
#include "password-scheme.h"
#include "password-hash.h"

#include <ctype.h>

/* A symbol of the doveadm and auth binaries, not of libdovecot: a hard
   reference would keep the module from loading elsewhere. */
extern void password_schemes_register_all(void) __attribute__((weak));

static bool password_hash_initialized = FALSE;

int password_hash_init(const char **error_r)
{
	if (password_hash_initialized)
		return 0;
	if (password_schemes_register_all == NULL) {
		*error_r = "this program has no password schemes; "
			"run the command with the doveadm binary";
		return -1;
	}
	password_schemes_register_all();
	password_hash_initialized = TRUE;
	return 0;
}

bool password_hash_is_usable_password(const char *password)
{
	const char *p;

	for (p = password; *p != '\0'; p++) {
		if (i_iscntrl(*p))
			return FALSE;
	}
	return password[0] != '\0';
}

/* Takes the {SCHEME} off the hash. Returns NULL if it cannot be told. */
static const char *password_hash_scheme(const char **hash)
{
	const char *scheme = password_get_scheme(hash);

	if (scheme != NULL)
		return scheme;
	if (str_begins_with(*hash, "$argon2id$") ||
	    str_begins_with(*hash, "$argon2i$"))
		return "ARGON2ID";
	if ((*hash)[0] == '$')
		return "CRYPT";
	return NULL;
}

int password_hash_verify(const char *hash, const char *username,
			 const char *password, const char **error_r)
{
	const struct password_generate_params params = { .user = username };
	const char *scheme, *error = "malformed hash";
	const unsigned char *raw;
	size_t size;
	int ret;

	if (password_hash_init(error_r) < 0)
		return -1;
	scheme = password_hash_scheme(&hash);
	if (scheme == NULL) {
		*error_r = "the hash has no {SCHEME}";
		return -1;
	}
	ret = password_decode(hash, scheme, &raw, &size, &error);
	if (ret <= 0) {
		*error_r = t_strdup_printf("the hash cannot be decoded: %s",
			ret == 0 ? t_strdup_printf("unknown scheme %s",
						   scheme) : error);
		return -1;
	}
	ret = password_verify(password, &params, scheme, raw, size, &error);
	if (ret < 0)
		*error_r = t_strdup_printf("the hash cannot be verified: %s",
					   error);
	else if (ret == 0)
		*error_r = "the password does not match the hash";
	return ret;
}

int password_hash_generate(const char *scheme, const char *username,
			   const char *password, const char **hash_r,
			   const char **error_r)
{
	const struct password_generate_params params = { .user = username };
	const char *hash;

	if (password_hash_init(error_r) < 0)
		return -1;
	if (!password_generate_encoded(password, &params, scheme, &hash)) {
		*error_r = t_strdup_printf("unknown password scheme %s",
					   scheme);
		return -1;
	}
	*hash_r = t_strdup_printf("{%s}%s", scheme, hash);
	return 0;
}

int password_hash_check_scheme(const char *scheme, const char **error_r)
{
	static const char *const slow_schemes[] = {
		"ARGON2ID", "ARGON2I", "ARGON2", "BLF-CRYPT", "CRYPT",
		"SHA512-CRYPT", "SHA256-CRYPT", "PBKDF2", NULL
	};
	ARRAY_TYPE(password_scheme_p) schemes;
	const struct password_scheme *known, *found = NULL;

	if (password_hash_init(error_r) < 0)
		return -1;
	/* may name an encoding, as in SSHA512.HEX */
	scheme = t_strcut(scheme, '.');
	t_array_init(&schemes, 64);
	password_schemes_get(&schemes);
	array_foreach_elem(&schemes, known) {
		if (strcasecmp(known->name, scheme) == 0)
			found = known;
	}
	if (found == NULL) {
		*error_r = t_strdup_printf("unknown password scheme %s",
					   scheme);
		return -1;
	}
	if (found->weak) {
		*error_r = t_strdup_printf("Dovecot refuses hashes of the weak "
			"password scheme %s", scheme);
		return -1;
	}
	if (str_array_icase_find(slow_schemes, scheme))
		return 1;
	*error_r = t_strdup_printf("hashes of the password scheme %s are "
				   "quickly guessed", scheme);
	return 0;
}
