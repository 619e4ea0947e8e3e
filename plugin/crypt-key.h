#ifndef CRYPT_KEY_H
#define CRYPT_KEY_H

/* One mail_crypt key as stored, and what can be done with it through dcrypt,
   which mail_crypt initialises, else crypt_key_init(). One thread. */

struct dcrypt_private_key;
struct dcrypt_public_key;

struct crypt_key {
	/* GUID of the mailbox it hangs on, hex. */
	const char *guid;
	/* Hex; SHA-256 of the public key, SHA-1 in very old ones. */
	const char *id;
	/* The private half as stored; NULL if only the public one is. */
	const char *wrapped;
	/* The public half as stored, NULL if only the private one is. */
	const char *public_text;
	/* A user key, else a folder key. */
	bool user_key:1;
	/* New folder keys, or new mail, are encrypted to this one. */
	bool active:1;
};

enum crypt_key_wrapping {
	CRYPT_KEY_WRAPPING_NONE,
	CRYPT_KEY_WRAPPING_PASSWORD,
	CRYPT_KEY_WRAPPING_KEY
};

/* Loads the crypto backend, if nobody has. Returns 0, or -1 on error. */
int crypt_key_init(const char **error_r);

/* How the private half is wrapped; *by_r is the id of the key it is wrapped
   to, or NULL. Returns 0, or -1 if the stored text is not a private key. */
int crypt_key_get_wrapping(const struct crypt_key *key,
			   enum crypt_key_wrapping *wrapping_r,
			   const char **by_r, const char **error_r);

/* Opens the private half with the password or the key by, whichever its
   wrapping needs, and proves that it is the key its id says. The caller unrefs
   *priv_r. Returns 1 if it opened, 0 if not; why, is in error_r. */
int crypt_key_open(const struct crypt_key *key, const char *password,
		   struct dcrypt_private_key *by,
		   struct dcrypt_private_key **priv_r, const char **error_r);

/* The text to store: the private half wrapped with a password, or to a public
   key if the password is NULL. Allocated from pool. Returns 0, -1 on error. */
int crypt_key_wrap(pool_t pool, struct dcrypt_private_key *priv,
		   const char *password, struct dcrypt_public_key *to,
		   const char **wrapped_r, const char **error_r);
/* The text to store for the public half. */
int crypt_key_store_public(pool_t pool, struct dcrypt_public_key *pub,
			   const char **text_r, const char **error_r);

/* Makes a key pair on the curve. The caller unrefs both halves. */
int crypt_key_generate(pool_t pool, const char *curve, const char **id_r,
		       struct dcrypt_private_key **priv_r,
		       struct dcrypt_public_key **pub_r, const char **error_r);

#endif
