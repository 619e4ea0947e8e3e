#include "lib.h"
#include "array.h"
#include "istream.h"
#include "str.h"
#include "strescape.h"
#include "file-sync.h"
#include "key-journal.h"

#include <fcntl.h>

#define KEY_JOURNAL_HEADER "pymailadmin-journal\t1"
#define KEY_JOURNAL_LINE_MAX 8192

static const char *key_journal_path(const char *home)
{
	return t_strconcat(home, "/"KEY_JOURNAL_NAME, NULL);
}

static void append_field(string_t *str, const char *value)
{
	str_append_c(str, '\t');
	if (value != NULL)
		str_append_tabescaped(str, value);
}

static void append_keys(string_t *str, const ARRAY_TYPE(crypt_key) *keys)
{
	struct crypt_key *key;

	array_foreach_elem(keys, key) {
		str_append(str, "key");
		append_field(str, key->user_key ? "user" : "folder");
		append_field(str, key->guid);
		append_field(str, key->id);
		append_field(str, key->active ? "1" : "0");
		append_field(str, key->wrapped);
		append_field(str, key->public_text);
		str_append_c(str, '\n');
	}
}

int key_journal_write(const char *home, const char *request_id,
		      const char *old_hash, const struct key_store *store,
		      const char **error_r)
{
	string_t *str = str_new(default_pool, 16*1024);
	int ret;

	str_append(str, KEY_JOURNAL_HEADER"\nrequest");
	append_field(str, request_id);
	str_append(str, "\nhash");
	append_field(str, old_hash);
	str_append_c(str, '\n');
	if (store != NULL) {
		append_keys(str, &store->user_keys);
		append_keys(str, &store->folder_keys);
	}
	str_append(str, "end\n");
	ret = file_replace_synced(key_journal_path(home), str_data(str),
				  str_len(str), error_r);
	/* a key may be stored in the clear */
	buffer_clear_safe(str);
	str_free(&str);
	return ret;
}

static int key_journal_parse_key(struct key_journal *journal,
				 const char *const *args)
{
	struct crypt_key *key;

	if (str_array_length(args) != 7)
		return -1;
	key = p_new(journal->pool, struct crypt_key, 1);
	key->user_key = strcmp(args[1], "user") == 0;
	key->guid = p_strdup(journal->pool, args[2]);
	key->id = p_strdup(journal->pool, args[3]);
	key->active = strcmp(args[4], "1") == 0;
	key->wrapped = p_strdup_empty(journal->pool, args[5]);
	key->public_text = p_strdup_empty(journal->pool, args[6]);
	array_push_back(&journal->keys, &key);
	return 0;
}

/* Returns 1 at the end line, 0 if there is more, -1 if it is damaged. */
static int key_journal_parse_line(struct key_journal *journal,
				  const char *line)
{
	const char *const *args = t_strsplit_tabescaped(line);

	if (args[0] == NULL)
		return -1;
	if (strcmp(args[0], "end") == 0)
		return 1;
	if (strcmp(args[0], "key") == 0)
		return key_journal_parse_key(journal, args);
	if (args[1] == NULL)
		return -1;
	if (strcmp(args[0], "request") == 0)
		journal->request_id = p_strdup(journal->pool, args[1]);
	else if (strcmp(args[0], "hash") == 0)
		journal->old_hash = p_strdup(journal->pool, args[1]);
	else
		return -1;
	return 0;
}

static int key_journal_parse(struct key_journal *journal,
			     struct istream *input, const char **error_r)
{
	const char *line;
	int ret = 0;

	line = i_stream_read_next_line(input);
	if (line != NULL && strcmp(line, KEY_JOURNAL_HEADER) != 0) {
		*error_r = "it is of another version";
		return -1;
	}
	while (ret == 0 && (line = i_stream_read_next_line(input)) != NULL)
		T_BEGIN {
			ret = key_journal_parse_line(journal, line);
		} T_END;
	if (input->stream_errno != 0) {
		*error_r = t_strdup(i_stream_get_error(input));
		return -1;
	}
	if (ret <= 0 || journal->request_id == NULL ||
	    journal->old_hash == NULL) {
		*error_r = "it is damaged";
		return -1;
	}
	return 0;
}

int key_journal_read(const char *home, struct key_journal **journal_r,
		     const char **error_r)
{
	const char *path = key_journal_path(home), *error;
	struct key_journal *journal;
	struct istream *input;
	pool_t pool;
	int fd, ret;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd == -1) {
		if (errno == ENOENT)
			return 0;
		*error_r = t_strdup_printf("open(%s) failed: %m", path);
		return -1;
	}
	pool = pool_alloconly_create_clean("pymailadmin journal", 16*1024);
	journal = p_new(pool, struct key_journal, 1);
	journal->pool = pool;
	p_array_init(&journal->keys, pool, 64);

	input = i_stream_create_fd_autoclose(&fd, KEY_JOURNAL_LINE_MAX);
	ret = key_journal_parse(journal, input, &error);
	i_stream_destroy(&input);
	if (ret < 0) {
		*error_r = t_strdup_printf("read(%s) failed: %s", path, error);
		key_journal_free(&journal);
		return -1;
	}
	*journal_r = journal;
	return 1;
}

void key_journal_free(struct key_journal **_journal)
{
	struct key_journal *journal = *_journal;

	if (journal == NULL)
		return;
	*_journal = NULL;
	pool_unref(&journal->pool);
}

int key_journal_remove(const char *home, const char **error_r)
{
	return file_unlink_synced(key_journal_path(home), error_r);
}

static struct crypt_key *
key_find(const ARRAY_TYPE(crypt_key) *keys, const struct crypt_key *wanted)
{
	struct crypt_key *key;

	array_foreach_elem(keys, key) {
		if (key->user_key == wanted->user_key &&
		    strcmp(key->id, wanted->id) == 0 &&
		    strcmp(key->guid, wanted->guid) == 0)
			return key;
	}
	return NULL;
}

bool key_journal_is_renewed(const struct key_journal *journal,
			    const struct key_store *store)
{
	struct crypt_key *key;

	array_foreach_elem(&store->user_keys, key) {
		if (key->active && key_find(&journal->keys, key) == NULL)
			return TRUE;
	}
	return FALSE;
}

int key_journal_restore_lost(const struct key_journal *journal,
			     struct key_store *store, unsigned int *count_r,
			     const char **error_r)
{
	const bool renewed = key_journal_is_renewed(journal, store);
	struct key_store_change *change = NULL;
	struct crypt_key *key, *stored;

	*count_r = 0;
	array_foreach_elem(&journal->keys, key) {
		if (renewed && key->user_key)
			continue;
		stored = key_find(key->user_key ? &store->user_keys :
				  &store->folder_keys, key);
		if (stored != NULL &&
		    (stored->wrapped != NULL || key->wrapped == NULL))
			continue;
		if (change == NULL)
			change = key_store_change_begin(store);
		if (key->wrapped != NULL)
			key_store_change_set_private(change, key,
						     key->wrapped);
		if (key->public_text != NULL)
			key_store_change_set_public(change, key,
						    key->public_text);
		if (key->active && !renewed)
			key_store_change_set_active(change, key);
		*count_r += 1;
	}
	return change == NULL ? 0 : key_store_change_commit(&change, error_r);
}

int key_journal_undo_switch(const struct key_journal *journal,
			    struct key_store *store, const char **error_r)
{
	struct key_store_change *change = NULL;
	struct crypt_key *key, *stored;

	array_foreach_elem(&journal->keys, key) {
		if (!key->user_key || key->wrapped == NULL)
			continue;
		stored = key_find(&store->user_keys, key);
		if (stored != NULL &&
		    null_strcmp(stored->wrapped, key->wrapped) == 0)
			continue;
		if (change == NULL)
			change = key_store_change_begin(store);
		key_store_change_set_private(change, key, key->wrapped);
	}
	return change == NULL ? 0 : key_store_change_commit(&change, error_r);
}
