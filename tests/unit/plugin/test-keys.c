#include "lib.h"
#include "array.h"
#include "buffer.h"
#include "dcrypt.h"
#include "dict.h"
#include "istream.h"
#include "str.h"
#include "master-service.h"
#include "mail-user.h"
#include "test-common.h"
#include "test-mail-storage-common.h"
#include "crypt-key.h"
#include "mail-crypt-compat.h"
#include "test-keys.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEST_USERNAME "user@example.test"

struct mail_user *test_user;
const char *test_home;

static struct test_mail_storage_ctx *test_ctx;
static const char *test_dict_path;

static void test_keys_init(void)
{
	const char *const extra_input[] = {
		"mail_attribute/dict=file",
		"mail_attribute/dict/file/driver=file",
		t_strdup_printf("dict_file_path=%s", test_dict_path),
		NULL
	};
	struct test_mail_storage_settings set = {
		.username = TEST_USERNAME,
		.driver = "maildir",
		.hierarchy_sep = "/",
		.extra_input = extra_input,
	};

	test_mail_storage_init_user(test_ctx, &set);
	test_user = test_ctx->user;
}

int test_keys_run(int *argc, char **argv[], void (*const tests[])(void))
{
	void (*one[2])(void) = { NULL, NULL };
	char scratch[64];
	const char *error;
	unsigned int i;
	int ret = 0;

	/* the homes of tests that run at the same time have the same name */
	(void)snprintf(scratch, sizeof(scratch), ".test-keys-%ld",
		       (long)getpid());
	if (mkdir(scratch, 0700) < 0 || chdir(scratch) < 0) {
		perror(scratch);
		return 1;
	}

	master_service = master_service_init("test-keys",
		MASTER_SERVICE_FLAG_STANDALONE |
		MASTER_SERVICE_FLAG_DONT_SEND_STATS |
		MASTER_SERVICE_FLAG_NO_CONFIG_SETTINGS |
		MASTER_SERVICE_FLAG_NO_SSL_INIT |
		MASTER_SERVICE_FLAG_NO_INIT_DATASTACK_FRAME, argc, argv, "");
	test_ctx = test_mail_storage_init();
	test_home = p_strconcat(test_ctx->pool, test_ctx->home_root,
				TEST_USERNAME, NULL);
	test_dict_path = p_strconcat(test_ctx->pool, test_home,
				     "/dovecot-attributes", NULL);
	if (crypt_key_init(&error) < 0)
		i_fatal("crypt_key_init() failed: %s", error);

	for (i = 0; tests[i] != NULL; i++) T_BEGIN {
		test_keys_init();
		one[0] = tests[i];
		ret |= test_run(one);
		test_mail_storage_deinit_user(test_ctx);
	} T_END;

	test_mail_storage_deinit(&test_ctx);
	dcrypt_deinitialize();
	master_service_deinit(&master_service);
	if (chdir("..") < 0 || rmdir(scratch) < 0) {
		perror(scratch);
		return 1;
	}
	return ret;
}

struct key_store *test_keys_open(void)
{
	struct key_store *store;
	const char *error;

	if (key_store_open(test_user, &store, &error) <= 0)
		i_fatal("key_store_open() failed: %s", error);
	return store;
}

static void test_keys_add(const struct crypt_key *key)
{
	struct key_store *store = test_keys_open();
	struct key_store_change *change = key_store_change_begin(store);
	const char *error;

	key_store_change_set_private(change, key, key->wrapped);
	key_store_change_set_public(change, key, key->public_text);
	key_store_change_set_active(change, key);
	if (key_store_change_commit(&change, &error) < 0)
		i_fatal("key_store_change_commit() failed: %s", error);
	key_store_close(&store);
}

const char *test_keys_add_user(const char *guid, const char *password,
			       struct dcrypt_public_key **pub_r)
{
	struct crypt_key key = { .guid = guid, .user_key = TRUE };
	struct dcrypt_private_key *priv;
	pool_t pool = pool_datastack_create();
	buffer_t *clear = t_str_new(256);
	const char *error;
	int ret = 0;

	if (crypt_key_generate(pool, TEST_CURVE, &key.id, &priv, pub_r,
			       &error) < 0 ||
	    crypt_key_store_public(pool, *pub_r, &key.public_text,
				   &error) < 0)
		i_fatal("making a key failed: %s", error);
	if (password != NULL) {
		ret = crypt_key_wrap(pool, priv, password, NULL, &key.wrapped,
				     &error);
	} else if (dcrypt_key_store_private(priv, MAIL_CRYPT_KEY_FORMAT, NULL,
					    clear, NULL, NULL, &error)) {
		key.wrapped = str_c(clear);
	} else {
		ret = -1;
	}
	if (ret < 0)
		i_fatal("storing a key failed: %s", error);
	dcrypt_key_unref_private(&priv);
	test_keys_add(&key);
	return key.id;
}

const char *test_keys_add_folder(const char *guid,
				 struct dcrypt_public_key *user_pub)
{
	struct crypt_key key = { .guid = guid };
	struct dcrypt_private_key *priv;
	struct dcrypt_public_key *pub;
	pool_t pool = pool_datastack_create();
	const char *error;

	if (crypt_key_generate(pool, TEST_CURVE, &key.id, &priv, &pub,
			       &error) < 0 ||
	    crypt_key_store_public(pool, pub, &key.public_text, &error) < 0 ||
	    crypt_key_wrap(pool, priv, NULL, user_pub, &key.wrapped,
			   &error) < 0)
		i_fatal("making a key failed: %s", error);
	dcrypt_key_unref_private(&priv);
	dcrypt_key_unref_public(&pub);
	test_keys_add(&key);
	return key.id;
}

void test_keys_set(const char *path, const char *value)
{
	struct key_store *store = test_keys_open();
	struct dict_transaction_context *trans;
	const char *error;

	trans = dict_transaction_begin(store->dict, store->op_set);
	if (value != NULL)
		dict_set(trans, path, value);
	else
		dict_unset(trans, path);
	if (dict_transaction_commit(&trans, &error) <= 0)
		i_fatal("dict_transaction_commit() failed: %s", error);
	key_store_close(&store);
}

void test_keys_damage_folder(const char *guid, const char *id)
{
	struct key_store *store = test_keys_open();
	char *wrapped = t_strdup_noconst(test_keys_find(store, id)->wrapped);
	const char *path = t_strconcat(DICT_PATH_PRIVATE, guid, "/"
		MAIL_CRYPT_BOX_SCOPE MAIL_CRYPT_PRIVKEYS, id, NULL);
	/* 2:curve:1:cipher:salt:hash:rounds:ciphertext:...: another digit */
	char *p = wrapped;
	unsigned int i;

	for (i = 0; i < 7; i++)
		p = strchr(p, ':') + 1;
	*p = *p == '0' ? '1' : '0';
	key_store_close(&store);
	test_keys_set(path, wrapped);
}

struct crypt_key *test_keys_find(struct key_store *store, const char *id)
{
	struct crypt_key *key;

	array_foreach_elem(&store->user_keys, key) {
		if (strcmp(key->id, id) == 0)
			return key;
	}
	array_foreach_elem(&store->folder_keys, key) {
		if (strcmp(key->id, id) == 0)
			return key;
	}
	return NULL;
}

bool test_keys_user_opens(struct key_store *store, const char *id,
			  const char *password)
{
	struct crypt_key *key = test_keys_find(store, id);
	struct dcrypt_private_key *priv;
	const char *error;

	if (key == NULL || !key->user_key ||
	    crypt_key_open(key, password, NULL, &priv, &error) == 0)
		return FALSE;
	dcrypt_key_unref_private(&priv);
	return TRUE;
}

bool test_keys_folder_opens(struct key_store *store, const char *id,
			    const char *password)
{
	struct crypt_key *key = test_keys_find(store, id), *user_key;
	struct dcrypt_private_key *user_priv, *priv;
	enum crypt_key_wrapping wrapping;
	const char *by, *error;
	int ret;

	if (key == NULL || key->user_key ||
	    crypt_key_get_wrapping(key, &wrapping, &by, &error) < 0 ||
	    by == NULL || (user_key = test_keys_find(store, by)) == NULL ||
	    crypt_key_open(user_key, password, NULL, &user_priv, &error) == 0)
		return FALSE;
	ret = crypt_key_open(key, NULL, user_priv, &priv, &error);
	dcrypt_key_unref_private(&user_priv);
	if (ret > 0)
		dcrypt_key_unref_private(&priv);
	return ret > 0;
}

const char *test_keys_active(struct key_store *store, const char *guid,
			     bool user_key)
{
	struct crypt_key *key;

	array_foreach_elem(user_key ? &store->user_keys : &store->folder_keys,
			   key) {
		if (key->active && strcmp(key->guid, guid) == 0)
			return t_strdup(key->id);
	}
	return NULL;
}

const char *test_keys_file(void)
{
	struct istream *input = i_stream_create_file(test_dict_path, SIZE_MAX);
	const unsigned char *data;
	size_t size;
	const char *text;

	while (i_stream_read(input) > 0) ;
	data = i_stream_get_data(input, &size);
	text = t_strndup(data, size);
	i_stream_destroy(&input);
	return text;
}
