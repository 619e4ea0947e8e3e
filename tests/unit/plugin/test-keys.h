#ifndef TEST_KEYS_H
#define TEST_KEYS_H

/* A mail user with an attribute dict of its own, and mail_crypt keys in it. */

#include "key-store.h"

#define TEST_OLD_PASSWORD "old key password"
#define TEST_NEW_PASSWORD "new key password"
#define TEST_INBOX_GUID "00000000000000000000000000000001"
#define TEST_CURVE "prime256v1"

struct dcrypt_public_key;

/* The user of the running test. */
extern struct mail_user *test_user;
extern const char *test_home;

/* Runs each test with a new, empty attribute dict. Returns the exit code. */
int test_keys_run(int *argc, char **argv[], void (*const tests[])(void));

struct key_store *test_keys_open(void);

/* Adds an active user key, wrapped with the password or in the clear if it is
   NULL. Returns its id; the caller unrefs *pub_r. */
const char *test_keys_add_user(const char *guid, const char *password,
			       struct dcrypt_public_key **pub_r);
/* Adds an active folder key. Returns its id. */
const char *test_keys_add_folder(const char *guid,
				 struct dcrypt_public_key *user_pub);
/* Sets one attribute of the dict, or removes it if value is NULL. */
void test_keys_set(const char *path, const char *value);
/* Replaces the wrapped half of a folder key by something that never opens. */
void test_keys_damage_folder(const char *guid, const char *id);

/* NULL if there is none. */
struct crypt_key *test_keys_find(struct key_store *store, const char *id);
/* Does the user key open with the password? */
bool test_keys_user_opens(struct key_store *store, const char *id,
			  const char *password);
/* Does the folder key open with a user key that opens with the password? */
bool test_keys_folder_opens(struct key_store *store, const char *id,
			    const char *password);
/* The ids of the active keys, NULL if there is none. */
const char *test_keys_active(struct key_store *store, const char *guid,
			     bool user_key);
/* The dict's file, to compare it. */
const char *test_keys_file(void);

#endif
