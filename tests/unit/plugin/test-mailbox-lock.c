#include "lib.h"
#include "test-common.h"
#include "unlink-directory.h"
#include "mailbox-lock.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEST_DIR ".test-mailbox-lock"

static const char *const home = TEST_DIR"/home";

static void home_remove(void)
{
	const char *error;

	if (unlink_directory(home, UNLINK_DIRECTORY_FLAG_RMDIR, &error) < 0)
		i_fatal("unlink_directory() failed: %s", error);
}

static const char *home_path(const char *name)
{
	return t_strconcat(home, "/", name, NULL);
}

static void test_mailbox_lock_shared(void)
{
	struct mailbox_lock *first, *second, *exclusive = NULL;
	const char *error;
	struct stat st;

	test_begin("mailbox lock: shared holders, and nobody exclusive");
	/* the home is made on the way */
	test_assert(mailbox_lock_shared(home, TRUE, 0, &first, &error) == 1);
	test_assert(stat(home, &st) == 0 && (st.st_mode & 0777) == 0700);
	test_assert(stat(home_path(MAILBOX_LOCK_NAME), &st) == 0 &&
		    (st.st_mode & 0777) == 0600);
	test_assert(mailbox_lock_shared(home, TRUE, 0, &second, &error) == 1);
	test_assert(mailbox_lock_exclusive(home, 30, NULL, NULL, &exclusive,
					   &error) == 0);
	test_assert(exclusive == NULL);
	/* the failed attempt gave the gate back */
	mailbox_lock_free(&second);
	test_assert(mailbox_lock_shared(home, TRUE, 0, &second, &error) == 1);
	mailbox_lock_free(&first);
	mailbox_lock_free(&second);
	test_assert(first == NULL && second == NULL);
	test_assert(mailbox_lock_exclusive(home, 0, NULL, NULL, &exclusive,
					   &error) == 1);
	mailbox_lock_free(&exclusive);
	mailbox_lock_free(&exclusive);
	home_remove();
	test_end();
}

/* Sessions make home and files. */
static void home_make(void)
{
	struct mailbox_lock *lock;
	const char *error;

	if (mailbox_lock_shared(home, TRUE, 0, &lock, &error) <= 0)
		i_fatal("mailbox_lock_shared() failed: %s", error);
	mailbox_lock_free(&lock);
}

static void test_mailbox_lock_exclusive(void)
{
	struct mailbox_lock *exclusive, *shared = NULL;
	const char *error;

	test_begin("mailbox lock: an exclusive holder keeps all others out");
	home_make();
	test_assert(mailbox_lock_exclusive(home, 0, NULL, NULL, &exclusive,
					   &error) == 1);
	test_assert(mailbox_lock_shared(home, TRUE, 0, &shared, &error) == 0);
	test_assert(strstr(error, " is held by ") != NULL);
	test_assert(mailbox_lock_shared(home, TRUE, 30, &shared, &error) == 0);
	test_assert(shared == NULL);
	mailbox_lock_free(&exclusive);
	test_assert(mailbox_lock_shared(home, TRUE, 0, &shared, &error) == 1);
	mailbox_lock_free(&shared);
	home_remove();
	test_end();
}

struct owner {
	int answer;
	unsigned int asked;
};

static int owner_ask(void *context, const char **error_r)
{
	struct owner *owner = context;

	owner->asked++;
	*error_r = "no such mailbox";
	return owner->answer;
}

static void test_mailbox_lock_join(void)
{
	struct mailbox_lock *lock = NULL;
	struct owner owner = { .answer = 0 };
	const char *error;
	struct stat st;

	test_begin("mailbox lock: who comes after the mailbox is deleted");
	test_assert(mailbox_lock_join(home, TRUE, 0, owner_ask, &owner, &lock,
				      &error) == 0);
	test_assert_strcmp(error, "no such mailbox");
	test_assert(lock == NULL && owner.asked == 1);
	test_assert(lstat(home, &st) < 0);
	/* a home that was there stays */
	test_assert(mkdir(home, 0700) == 0);
	owner.answer = -1;
	test_assert(mailbox_lock_join(home, TRUE, 0, owner_ask, &owner, &lock,
				      &error) == -1);
	test_assert(lock == NULL && owner.asked == 2);
	test_assert(lstat(home, &st) == 0);
	test_assert(lstat(home_path(MAILBOX_LOCK_NAME), &st) < 0);
	/* the first of a new mailbox asks, the others need not */
	owner.answer = 1;
	test_assert(mailbox_lock_join(home, TRUE, 0, owner_ask, &owner, &lock,
				      &error) == 1);
	test_assert(lock != NULL && owner.asked == 3);
	mailbox_lock_free(&lock);
	test_assert(mailbox_lock_join(home, TRUE, 0, owner_ask, &owner, &lock,
				      &error) == 1);
	test_assert(owner.asked == 3);
	mailbox_lock_free(&lock);
	home_remove();
	test_end();
}

static void count_call(void *context)
{
	unsigned int *count = context;

	*count += 1;
}

static void test_mailbox_lock_first_exclusive(void)
{
	struct mailbox_lock *lock = NULL;
	unsigned int count = 0;
	const char *error;
	struct stat st;

	test_begin("mailbox lock: sessions from before there was a lock");
	/* no home, perhaps not mounted: it is not made */
	test_assert(mailbox_lock_exclusive(home, 0, count_call, &count, &lock,
					   &error) == -1);
	test_assert(lstat(home, &st) < 0 && count == 0);

	test_assert(mkdir(home, 0700) == 0);
	test_assert(mailbox_lock_exclusive(home, 0, count_call, &count, &lock,
					   &error) == 0);
	test_assert(lock == NULL && count == 1);
	test_assert(mailbox_lock_exclusive(home, 0, count_call, &count, &lock,
					   &error) == 1);
	test_assert(count == 1);
	mailbox_lock_free(&lock);
	home_remove();
	test_end();
}

struct kick {
	struct mailbox_lock **holder;
	unsigned int count, holder_leaves_at;
	bool gate_was_closed;
};

static void test_kick(void *context)
{
	struct kick *kick = context;
	struct mailbox_lock *late = NULL;
	const char *error;

	kick->count++;
	/* who comes while a change waits is kept out by the gate */
	if (mailbox_lock_shared(home, TRUE, 0, &late, &error) == 0)
		kick->gate_was_closed = TRUE;
	mailbox_lock_free(&late);
	if (kick->count == kick->holder_leaves_at)
		mailbox_lock_free(kick->holder);
}

static void test_mailbox_lock_wait(void)
{
	struct mailbox_lock *shared, *exclusive;
	struct kick kick = { .holder = &shared, .holder_leaves_at = 2 };
	const char *error;

	test_begin("mailbox lock: holders are asked to go, again and again");
	test_assert(mailbox_lock_shared(home, TRUE, 0, &shared, &error) == 1);
	test_assert(mailbox_lock_exclusive(home, 10000, test_kick, &kick,
					   &exclusive, &error) == 1);
	test_assert(kick.count == 2);
	test_assert(kick.gate_was_closed);
	mailbox_lock_free(&exclusive);
	home_remove();
	test_end();
}

static void test_mailbox_lock_unusable(void)
{
	struct mailbox_lock *lock = NULL;
	const char *error, *target = home_path("target");
	unsigned int count = 0;
	struct stat st;

	test_begin("mailbox lock: what cannot be locked");
	/* a link in place of the file is not followed */
	test_assert(mkdir(home, 0700) == 0);
	test_assert(symlink(target, home_path(MAILBOX_GATE_NAME)) == 0);
	test_assert(mailbox_lock_shared(home, TRUE, 0, &lock, &error) == -1);
	test_assert(mailbox_lock_exclusive(home, 0, NULL, NULL, &lock,
					   &error) == -1);
	test_assert(lstat(target, &st) < 0);
	home_remove();

	/* a lock that cannot be looked at is not a missing one */
	test_assert(mkdir(home, 0700) == 0);
	test_assert(symlink(MAILBOX_LOCK_NAME,
			    home_path(MAILBOX_LOCK_NAME)) == 0);
	test_assert(mailbox_lock_exclusive(home, 0, count_call, &count, &lock,
					   &error) == -1);
	test_assert(count == 0 && str_begins_with(error, "access("));
	test_assert(lstat(home_path(MAILBOX_GATE_NAME), &st) < 0);
	home_remove();

	/* where the files cannot be made nobody changes keys, either */
	test_assert(mailbox_lock_shared("/proc/1/no-home", TRUE, 0, &lock,
					&error) == 1);
	test_assert(lock == NULL);
	test_assert(mailbox_lock_shared(home, FALSE, 0, &lock, &error) == 1);
	test_assert(lock == NULL && lstat(home, &st) < 0);
	test_assert(mailbox_lock_exclusive("/proc/1/no-home", 0, NULL, NULL,
					   &lock, &error) == -1);
	test_end();
}

int main(void)
{
	static void (*const tests[])(void) = {
		test_mailbox_lock_shared,
		test_mailbox_lock_join,
		test_mailbox_lock_exclusive,
		test_mailbox_lock_first_exclusive,
		test_mailbox_lock_wait,
		test_mailbox_lock_unusable,
		NULL
	};
	int ret;

	/* test_run() ends lib-lib: nothing of it may be used around it */
	if (mkdir(TEST_DIR, 0700) < 0 && errno != EEXIST) {
		perror("mkdir("TEST_DIR")");
		return 1;
	}
	ret = test_run(tests);
	if (rmdir(TEST_DIR) < 0) {
		perror("rmdir("TEST_DIR")");
		return 1;
	}
	return ret;
}
