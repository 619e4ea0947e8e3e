#include "lib.h"
#include "array.h"
#include "dcrypt.h"
#include "mail-user.h"
#include "test-common.h"
#include "write-full.h"
#include "key-change.h"
#include "key-journal.h"
#include "mail-crypt-compat.h"
#include "test-keys.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define REQUEST_ID "0123456789abcdef0123456789abcdef"
#define OLD_HASH "{SHA512-CRYPT}$6$a\tb\nc"

static struct dcrypt_public_key *user_pub;
static const char *user_id, *folder_id;

static void keys_make(void)
{
	user_id = test_keys_add_user(TEST_INBOX_GUID, TEST_OLD_PASSWORD,
				     &user_pub);
	folder_id = test_keys_add_folder(TEST_INBOX_GUID, user_pub);
}

static struct key_journal *journal_make(void)
{
	struct key_store *store = test_keys_open();
	struct key_journal *journal;
	const char *error;

	test_assert(key_journal_write(test_home, REQUEST_ID, OLD_HASH, store,
				      &error) == 0);
	key_store_close(&store);
	if (key_journal_read(test_home, &journal, &error) <= 0)
		i_fatal("key_journal_read() failed: %s", error);
	return journal;
}

static void change_keys(bool renew)
{
	const struct key_change_params params = {
		.event = test_user->event,
		.old_password = TEST_OLD_PASSWORD,
		.new_password = TEST_NEW_PASSWORD,
		.renewal_curve = renew ? TEST_CURVE : NULL,
	};
	struct key_change *change = key_change_new(&params);
	struct key_store *store = test_keys_open();
	const char *error;

	test_assert(key_change_prepare(change, store, &error) == 1);
	test_assert(key_change_switch(change, store, &error) == 0);
	key_store_close(&store);
	store = test_keys_open();
	if (renew)
		test_assert(key_change_renew(change, store, &error) == 1);
	key_store_close(&store);
	key_change_free(&change);
}

static const char *journal_path(void)
{
	return t_strconcat(test_home, "/"KEY_JOURNAL_NAME, NULL);
}

static void test_key_journal_round_trip(void)
{
	struct key_journal *journal;
	struct key_store *store;
	struct crypt_key *key, *stored;
	struct stat st;
	const char *error;

	test_begin("key journal: what is written is read");
	test_assert(key_journal_read(test_home, &journal, &error) == 0);
	test_assert(key_journal_remove(test_home, &error) == 0);
	keys_make();
	journal = journal_make();
	test_assert(stat(journal_path(), &st) == 0 &&
		    (st.st_mode & 0777) == 0600);
	test_assert_strcmp(journal->request_id, REQUEST_ID);
	test_assert_strcmp(journal->old_hash, OLD_HASH);
	test_assert(array_count(&journal->keys) == 2);
	store = test_keys_open();
	array_foreach_elem(&journal->keys, key) {
		stored = test_keys_find(store, key->id);
		test_assert_strcmp(key->wrapped, stored->wrapped);
		test_assert_strcmp(key->public_text, stored->public_text);
		test_assert_strcmp(key->guid, stored->guid);
		test_assert(key->active && stored->active);
		test_assert(key->user_key == stored->user_key);
	}
	key_store_close(&store);
	key_journal_free(&journal);
	test_assert(key_journal_remove(test_home, &error) == 0);
	test_assert(key_journal_read(test_home, &journal, &error) == 0);
	dcrypt_key_unref_public(&user_pub);
	test_end();
}

static void test_key_journal_without_keys(void)
{
	struct key_journal *journal;
	const char *error;

	test_begin("key journal: of a user without an attribute dict");
	test_assert(key_journal_write(test_home, REQUEST_ID, OLD_HASH, NULL,
				      &error) == 0);
	test_assert(key_journal_read(test_home, &journal, &error) == 1);
	test_assert(array_is_empty(&journal->keys));
	key_journal_free(&journal);
	test_end();
}

static void test_key_journal_damaged(void)
{
	static const char *const texts[] = {
		"",
		"pymailadmin-journal\t1\n",
		"pymailadmin-journal\t2\nrequest\tx\nhash\ty\nend\n",
		"pymailadmin-journal\t1\nrequest\tx\nhash\ty\n",
		"pymailadmin-journal\t1\nrequest\tx\nend\n",
		"pymailadmin-journal\t1\nhash\ty\nend\n",
		"pymailadmin-journal\t1\nrequest\nhash\ty\nend\n",
		"pymailadmin-journal\t1\nrequest\tx\nhash\ty\nkey\tuser\nend\n",
		"pymailadmin-journal\t1\nrequest\tx\nhash\ty\nmore\tz\nend\n",
		"pymailadmin-journal\t1\nrequest\tx\nhash\ty\n\nend\n",
		"something else\n",
	};
	struct key_journal *journal;
	const char *error;
	unsigned int i;
	int fd;

	test_begin("key journal: damaged");
	for (i = 0; i < N_ELEMENTS(texts); i++) {
		fd = open(journal_path(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
		if (fd == -1 ||
		    write_full(fd, texts[i], strlen(texts[i])) < 0)
			i_fatal("write(%s) failed: %m", journal_path());
		i_close_fd(&fd);
		test_assert_idx(key_journal_read(test_home, &journal,
						 &error) == -1, i);
	}
	test_end();
}

static void test_key_journal_undo(void)
{
	struct key_journal *journal;
	struct key_store *store;
	const char *before, *error;

	test_begin("key journal: undoes a switch");
	keys_make();
	journal = journal_make();
	store = test_keys_open();
	before = t_strdup(test_keys_find(store, user_id)->wrapped);
	/* nothing to do */
	test_assert(key_journal_undo_switch(journal, store, &error) == 0);
	key_store_close(&store);

	change_keys(FALSE);
	store = test_keys_open();
	test_assert(test_keys_user_opens(store, user_id, TEST_NEW_PASSWORD));
	test_assert(!key_journal_is_renewed(journal, store));
	test_assert(key_journal_undo_switch(journal, store, &error) == 0);
	key_store_close(&store);
	store = test_keys_open();
	test_assert_strcmp(test_keys_find(store, user_id)->wrapped, before);
	key_store_close(&store);
	key_journal_free(&journal);
	dcrypt_key_unref_public(&user_pub);
	test_end();
}

static void test_key_journal_restore_all(void)
{
	struct key_journal *journal;
	struct key_store *store;
	unsigned int count;
	const char *error;
	int fd;

	test_begin("key journal: puts back an attribute dict that was lost");
	keys_make();
	journal = journal_make();
	fd = open(t_strconcat(test_home, "/dovecot-attributes", NULL),
		  O_WRONLY | O_TRUNC);
	test_assert(fd != -1);
	i_close_fd(&fd);
	store = test_keys_open();
	test_assert(array_is_empty(&store->user_keys));
	test_assert(key_journal_restore_lost(journal, store, &count,
					     &error) == 0);
	test_assert(count == 2);
	key_store_close(&store);
	store = test_keys_open();
	test_assert(test_keys_folder_opens(store, folder_id,
					   TEST_OLD_PASSWORD));
	test_assert_strcmp(test_keys_active(store, TEST_INBOX_GUID, TRUE),
			   user_id);
	test_assert_strcmp(test_keys_active(store, TEST_INBOX_GUID, FALSE),
			   folder_id);
	test_assert(test_keys_find(store, folder_id)->public_text != NULL);
	/* all there: nothing to do */
	test_assert(key_journal_restore_lost(journal, store, &count,
					     &error) == 0);
	test_assert(count == 0);
	key_store_close(&store);
	key_journal_free(&journal);
	dcrypt_key_unref_public(&user_pub);
	test_end();
}

static void test_key_journal_after_renewal(void)
{
	struct key_journal *journal;
	struct key_store *store;
	unsigned int count;
	const char *error;

	test_begin("key journal: does not bring back what a renewal removed");
	keys_make();
	journal = journal_make();
	change_keys(TRUE);
	store = test_keys_open();
	test_assert(key_journal_is_renewed(journal, store));
	test_assert(key_journal_restore_lost(journal, store, &count,
					     &error) == 0);
	test_assert(count == 0);
	test_assert(test_keys_find(store, user_id) == NULL);
	key_store_close(&store);
	key_journal_free(&journal);
	dcrypt_key_unref_public(&user_pub);
	test_end();
}

int main(int argc, char *argv[])
{
	static void (*const tests[])(void) = {
		test_key_journal_round_trip,
		test_key_journal_without_keys,
		test_key_journal_damaged,
		test_key_journal_undo,
		test_key_journal_restore_all,
		test_key_journal_after_renewal,
		NULL
	};
	return test_keys_run(&argc, &argv, tests);
}
