#include "lib.h"
#include "array.h"
#include "dcrypt.h"
#include "mail-user.h"
#include "test-common.h"
#include "key-change.h"
#include "mail-crypt-compat.h"
#include "test-keys.h"

#define FOLDER1_GUID "00000000000000000000000000000002"
#define FOLDER2_GUID "00000000000000000000000000000003"

/* An INBOX and a folder, as mail_crypt makes them. */
struct mailbox_keys {
	struct dcrypt_public_key *user_pub;
	const char *user, *inbox, *folder;
};

static void mailbox_keys_make(struct mailbox_keys *keys_r)
{
	i_zero(keys_r);
	keys_r->user = test_keys_add_user(TEST_INBOX_GUID, TEST_OLD_PASSWORD,
					  &keys_r->user_pub);
	keys_r->inbox = test_keys_add_folder(TEST_INBOX_GUID,
					     keys_r->user_pub);
	keys_r->folder = test_keys_add_folder(FOLDER1_GUID, keys_r->user_pub);
}

static void mailbox_keys_free(struct mailbox_keys *keys)
{
	dcrypt_key_unref_public(&keys->user_pub);
}

static struct key_change *change_new(bool renew, bool keep_user_keys)
{
	const struct key_change_params params = {
		.event = test_user->event,
		.old_password = TEST_OLD_PASSWORD,
		.new_password = TEST_NEW_PASSWORD,
		.renewal_curve = renew ? TEST_CURVE : NULL,
		.keep_user_keys = keep_user_keys,
	};
	return key_change_new(&params);
}

/* Runs a change the way the password change does. Returns what renewing did. */
static int change_all(struct key_change *change)
{
	struct key_store *store = test_keys_open();
	const char *error;
	int ret;

	/* once without the lock, once with it */
	test_assert(key_change_prepare(change, store, &error) == 1);
	key_store_close(&store);
	store = test_keys_open();
	test_assert(key_change_prepare(change, store, &error) == 1);
	test_assert(key_change_switch(change, store, &error) == 0);
	key_store_close(&store);
	store = test_keys_open();
	test_assert(key_change_check_switch(change, store, &error) == 0);
	ret = key_change_renew(change, store, &error);
	key_store_close(&store);
	if (ret > 0) {
		store = test_keys_open();
		test_assert(key_change_check_renewal(change, store,
						     &error) == 0);
		key_store_close(&store);
	}
	return ret;
}

static void test_key_change_password_only(void)
{
	struct key_change *change = change_new(FALSE, FALSE);
	struct mailbox_keys keys;
	struct key_store *store;

	test_begin("key change: only the password");
	mailbox_keys_make(&keys);
	test_assert(change_all(change) == 0);
	key_change_free(&change);
	key_change_free(&change);

	store = test_keys_open();
	test_assert(array_count(&store->user_keys) == 1);
	test_assert(array_count(&store->folder_keys) == 2);
	test_assert(test_keys_user_opens(store, keys.user, TEST_NEW_PASSWORD));
	test_assert(!test_keys_user_opens(store, keys.user,
					  TEST_OLD_PASSWORD));
	test_assert(test_keys_folder_opens(store, keys.inbox,
					   TEST_NEW_PASSWORD));
	test_assert(test_keys_folder_opens(store, keys.folder,
					   TEST_NEW_PASSWORD));
	key_store_close(&store);
	mailbox_keys_free(&keys);
	test_end();
}

static void test_key_change_renew(void)
{
	struct key_change *change = change_new(TRUE, FALSE);
	const char *user, *inbox, *folder;
	struct mailbox_keys keys;
	struct key_store *store;

	test_begin("key change: new user key and new folder keys");
	mailbox_keys_make(&keys);
	test_assert(change_all(change) == 1);
	test_assert(key_change_get_unopened_count(change) == 0);
	key_change_free(&change);

	store = test_keys_open();
	user = test_keys_active(store, TEST_INBOX_GUID, TRUE);
	inbox = test_keys_active(store, TEST_INBOX_GUID, FALSE);
	folder = test_keys_active(store, FOLDER1_GUID, FALSE);
	test_assert(array_count(&store->user_keys) == 1);
	test_assert(array_count(&store->folder_keys) == 4);
	test_assert(user != NULL && strcmp(user, keys.user) != 0);
	test_assert(inbox != NULL && strcmp(inbox, keys.inbox) != 0);
	test_assert(folder != NULL && strcmp(folder, keys.folder) != 0);
	test_assert(test_keys_user_opens(store, user, TEST_NEW_PASSWORD));
	/* what old mail needs, and what new mail will */
	test_assert(test_keys_folder_opens(store, keys.inbox,
					   TEST_NEW_PASSWORD));
	test_assert(test_keys_folder_opens(store, keys.folder,
					   TEST_NEW_PASSWORD));
	test_assert(test_keys_folder_opens(store, inbox, TEST_NEW_PASSWORD));
	test_assert(test_keys_folder_opens(store, folder, TEST_NEW_PASSWORD));
	test_assert(test_keys_find(store, user)->public_text != NULL);
	test_assert(test_keys_find(store, folder)->public_text != NULL);
	key_store_close(&store);
	mailbox_keys_free(&keys);
	test_end();
}

static void test_key_change_wrong_password(void)
{
	struct key_change *change = change_new(TRUE, FALSE);
	struct dcrypt_public_key *pub;
	struct key_store *store;
	const char *id, *before, *error;

	test_begin("key change: a user key that does not open");
	id = test_keys_add_user(TEST_INBOX_GUID, "yet another", &pub);
	before = test_keys_file();
	store = test_keys_open();
	test_assert(key_change_prepare(change, store, &error) == 0);
	test_assert(strstr(error, id) != NULL);
	key_store_close(&store);
	test_assert_strcmp(test_keys_file(), before);
	key_change_free(&change);
	dcrypt_key_unref_public(&pub);
	test_end();
}

static void test_key_change_several_user_keys(void)
{
	struct key_change *change = change_new(TRUE, FALSE);
	struct dcrypt_public_key *clear_pub;
	const char *clear, *folder;
	struct mailbox_keys keys;
	struct key_store *store;

	test_begin("key change: several user keys, one in the clear");
	clear = test_keys_add_user(TEST_INBOX_GUID, NULL, &clear_pub);
	folder = test_keys_add_folder(FOLDER2_GUID, clear_pub);
	mailbox_keys_make(&keys);
	test_assert(change_all(change) == 1);
	key_change_free(&change);

	store = test_keys_open();
	test_assert(array_count(&store->user_keys) == 1);
	test_assert(test_keys_find(store, clear) == NULL);
	test_assert(test_keys_find(store, keys.user) == NULL);
	test_assert(test_keys_folder_opens(store, folder, TEST_NEW_PASSWORD));
	test_assert(test_keys_folder_opens(store, keys.folder,
					   TEST_NEW_PASSWORD));
	key_store_close(&store);
	dcrypt_key_unref_public(&clear_pub);
	mailbox_keys_free(&keys);
	test_end();
}

static void test_key_change_key_in_the_clear(void)
{
	struct key_change *change = change_new(FALSE, FALSE);
	struct dcrypt_public_key *pub;
	struct key_store *store;
	const char *id;

	test_begin("key change: a key in the clear is wrapped");
	id = test_keys_add_user(TEST_INBOX_GUID, NULL, &pub);
	test_assert(change_all(change) == 0);
	key_change_free(&change);
	store = test_keys_open();
	test_assert(test_keys_user_opens(store, id, TEST_NEW_PASSWORD));
	test_assert(!test_keys_user_opens(store, id, TEST_OLD_PASSWORD));
	key_store_close(&store);
	dcrypt_key_unref_public(&pub);
	test_end();
}

static void test_key_change_damaged_folder_key(void)
{
	struct key_change *change = change_new(TRUE, FALSE);
	const char *active, *damaged;
	struct mailbox_keys keys;
	struct key_store *store;

	test_begin("key change: a folder key that nothing opens");
	mailbox_keys_make(&keys);
	test_keys_damage_folder(FOLDER1_GUID, keys.folder);
	store = test_keys_open();
	damaged = t_strdup(test_keys_find(store, keys.folder)->wrapped);
	key_store_close(&store);

	/* said once, though it is looked at twice */
	test_expect_errors(1);
	test_assert(change_all(change) == 1);
	test_expect_no_more_errors();
	test_assert(key_change_get_unopened_count(change) == 1);
	key_change_free(&change);

	store = test_keys_open();
	/* left as it is, with the key it names */
	test_assert_strcmp(test_keys_find(store, keys.folder)->wrapped,
			   damaged);
	test_assert(test_keys_user_opens(store, keys.user,
					 TEST_NEW_PASSWORD));
	/* new mail in that folder is readable */
	active = test_keys_active(store, FOLDER1_GUID, FALSE);
	test_assert(strcmp(active, keys.folder) != 0);
	test_assert(test_keys_folder_opens(store, active, TEST_NEW_PASSWORD));
	test_assert(test_keys_folder_opens(store, keys.inbox,
					   TEST_NEW_PASSWORD));
	key_store_close(&store);
	mailbox_keys_free(&keys);
	test_end();
}

static void test_key_change_shared_folder(void)
{
	struct key_change *change = change_new(TRUE, TRUE);
	struct mailbox_keys keys;
	struct key_store *store;

	test_begin("key change: folders shared with others, and by them");
	mailbox_keys_make(&keys);
	test_keys_set(t_strconcat("shared/" FOLDER1_GUID "/"
		MAIL_CRYPT_BOX_SCOPE MAIL_CRYPT_PRIVKEYS "friend/",
		keys.folder, NULL), "what the friend has");
	test_assert(change_all(change) == 1);
	key_change_free(&change);

	store = test_keys_open();
	/* the friend knows no new key */
	test_assert_strcmp(test_keys_active(store, FOLDER1_GUID, FALSE),
			   keys.folder);
	test_assert(test_keys_folder_opens(store, keys.folder,
					   TEST_NEW_PASSWORD));
	/* keys that others gave us are wrapped to our old user key */
	test_assert(test_keys_user_opens(store, keys.user,
					 TEST_NEW_PASSWORD));
	test_assert(strcmp(test_keys_active(store, TEST_INBOX_GUID, TRUE),
			   keys.user) != 0);
	key_store_close(&store);
	mailbox_keys_free(&keys);
	test_end();
}

static void test_key_change_abandoned_inbox(void)
{
	struct key_change *change = change_new(TRUE, FALSE);
	struct dcrypt_public_key *pub;
	struct mailbox_keys keys;
	struct key_store *store;
	const char *abandoned;

	test_begin("key change: keys of an INBOX that lost its GUID");
	abandoned = test_keys_add_user(FOLDER2_GUID, "long forgotten", &pub);
	mailbox_keys_make(&keys);
	store = test_keys_open();
	test_assert(key_change_needs_inbox_guid(store));
	key_store_close(&store);
	key_change_set_inbox_guid(change, TEST_INBOX_GUID);
	test_assert(change_all(change) == 1);
	key_change_free(&change);

	store = test_keys_open();
	test_assert(test_keys_user_opens(store, abandoned, "long forgotten"));
	test_assert(test_keys_find(store, keys.user) == NULL);
	test_assert(test_keys_folder_opens(store, keys.folder,
					   TEST_NEW_PASSWORD));
	key_store_close(&store);
	dcrypt_key_unref_public(&pub);
	mailbox_keys_free(&keys);
	test_end();
}

static void test_key_change_no_keys(void)
{
	struct key_change *change = change_new(TRUE, FALSE);

	test_begin("key change: no keys at all");
	test_assert(change_all(change) == 0);
	key_change_free(&change);
	test_end();
}

static void test_key_change_folder_made_meanwhile(void)
{
	struct key_change *change = change_new(TRUE, FALSE);
	struct mailbox_keys keys;
	struct key_store *store;
	const char *late, *error;

	test_begin("key change: a folder made between preparation and lock");
	mailbox_keys_make(&keys);
	store = test_keys_open();
	test_assert(key_change_prepare(change, store, &error) == 1);
	key_store_close(&store);
	late = test_keys_add_folder(FOLDER2_GUID, keys.user_pub);
	test_assert(change_all(change) == 1);
	key_change_free(&change);
	store = test_keys_open();
	test_assert(test_keys_folder_opens(store, late, TEST_NEW_PASSWORD));
	test_assert(strcmp(test_keys_active(store, FOLDER2_GUID, FALSE),
			   late) != 0);
	key_store_close(&store);
	mailbox_keys_free(&keys);
	test_end();
}

static void test_key_change_resume(void)
{
	struct key_change *change = change_new(TRUE, FALSE);
	struct mailbox_keys keys;
	struct key_store *store;
	const char *error;

	test_begin("key change: goes on after an interrupted switch");
	mailbox_keys_make(&keys);
	store = test_keys_open();
	test_assert(key_change_prepare(change, store, &error) == 1);
	test_assert(key_change_switch(change, store, &error) == 0);
	key_store_close(&store);
	key_change_free(&change);

	/* another process, which has prepared nothing */
	change = change_new(TRUE, FALSE);
	store = test_keys_open();
	test_assert(key_change_prepare(change, store, &error) == 1);
	test_assert(key_change_switch(change, store, &error) == 0);
	test_assert(key_change_check_switch(change, store, &error) == 0);
	test_assert(key_change_renew(change, store, &error) == 1);
	key_store_close(&store);
	key_change_free(&change);
	store = test_keys_open();
	test_assert(test_keys_find(store, keys.user) == NULL);
	test_assert(test_keys_folder_opens(store, keys.inbox,
					   TEST_NEW_PASSWORD));
	key_store_close(&store);
	mailbox_keys_free(&keys);
	test_end();
}

static void test_key_change_check_finds(void)
{
	struct key_change *change = change_new(TRUE, FALSE);
	struct mailbox_keys keys;
	struct key_store *store;
	const char *before, *error;

	test_begin("key change: the checks find what is not as written");
	mailbox_keys_make(&keys);
	store = test_keys_open();
	test_assert(key_change_prepare(change, store, &error) == 1);
	/* nothing is switched */
	test_assert(key_change_check_switch(change, store, &error) == -1);
	test_assert(key_change_check_renewal(change, store, &error) == -1);
	before = t_strdup(test_keys_find(store, keys.folder)->wrapped);
	test_assert(key_change_switch(change, store, &error) == 0);
	key_store_close(&store);
	store = test_keys_open();
	test_assert(key_change_renew(change, store, &error) == 1);
	key_store_close(&store);
	/* an old folder key is as it was */
	test_keys_set(t_strconcat("priv/" FOLDER1_GUID "/"
		MAIL_CRYPT_BOX_SCOPE MAIL_CRYPT_PRIVKEYS, keys.folder, NULL),
		before);
	store = test_keys_open();
	test_assert(key_change_check_renewal(change, store, &error) == -1);
	key_store_close(&store);
	key_change_free(&change);
	mailbox_keys_free(&keys);
	test_end();
}

int main(int argc, char *argv[])
{
	static void (*const tests[])(void) = {
		test_key_change_password_only,
		test_key_change_renew,
		test_key_change_wrong_password,
		test_key_change_several_user_keys,
		test_key_change_key_in_the_clear,
		test_key_change_damaged_folder_key,
		test_key_change_shared_folder,
		test_key_change_abandoned_inbox,
		test_key_change_no_keys,
		test_key_change_folder_made_meanwhile,
		test_key_change_resume,
		test_key_change_check_finds,
		NULL
	};
	return test_keys_run(&argc, &argv, tests);
}
