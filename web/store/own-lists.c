#include "own-lists.h"
#include "account.h"
#include "arena.h"
#include "clock.h"
#include "domain.h"
#include "mailbox.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

/* A place for each account number modulo this: two people who take turns in one
   only lose time. */
#define PLACES 64
/* Who has more is not worth the memory. */
#define MAILBOXES_KEPT_MAX 200
#define DOMAINS_KEPT_MAX 200

struct lists {
	struct mailbox_list mailboxes;
	struct domain_list domains;
};

struct place {
	/* NULL: never used. */
	struct arena *arena;
	uint64_t account_id, read_at, read_changes;
	struct lists lists;
};

static struct place places[PLACES];
static uint64_t changes;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static const char *copy_text(struct arena *arena, const char *text)
{
	return text == NULL ? NULL : arena_strdup(arena, text);
}

static void copy_mailboxes(struct arena *arena, const struct mailbox_list *from,
			   struct mailbox_list *to_r)
{
	size_t i;

	to_r->count = from->count;
	to_r->mailboxes = arena_memdup(arena, from->mailboxes, from->count *
				       sizeof(*from->mailboxes));
	for (i = 0; i < from->count; i++) {
		struct mailbox *mailbox = &to_r->mailboxes[i];

		mailbox->address = copy_text(arena, mailbox->address);
		mailbox->domain = copy_text(arena, mailbox->domain);
		mailbox->quota = copy_text(arena, mailbox->quota);
		mailbox->owner = copy_text(arena, mailbox->owner);
	}
}

static void copy_domains(struct arena *arena, const struct domain_list *from,
			 struct domain_list *to_r)
{
	size_t i;

	to_r->count = from->count;
	to_r->domains = arena_memdup(arena, from->domains, from->count *
				     sizeof(*from->domains));
	for (i = 0; i < from->count; i++)
		to_r->domains[i].name = copy_text(arena, from->domains[i].name);
}

static void copy_lists(struct arena *arena, const struct lists *from,
		       struct lists *to_r)
{
	copy_mailboxes(arena, &from->mailboxes, &to_r->mailboxes);
	copy_domains(arena, &from->domains, &to_r->domains);
}

static struct place *place_of(uint64_t account_id)
{
	return &places[account_id % PLACES];
}

static bool find(struct arena *arena, uint64_t account_id, uint64_t now,
		 struct lists *lists_r, uint64_t *changes_r)
{
	const struct place *place = place_of(account_id);
	bool found;

	(void)pthread_mutex_lock(&mutex);
	*changes_r = changes;
	found = place->arena != NULL && place->account_id == account_id &&
		place->read_changes == changes &&
		now - place->read_at < OWN_LISTS_MSECS;
	if (found)
		copy_lists(arena, &place->lists, lists_r);
	(void)pthread_mutex_unlock(&mutex);
	return found;
}

/* Not if anything has changed since it was read: it may be from before that. */
static void keep(uint64_t account_id, uint64_t read_at, uint64_t read_changes,
		 const struct lists *lists)
{
	struct place *place = place_of(account_id);

	if (lists->mailboxes.count > MAILBOXES_KEPT_MAX ||
	    lists->domains.count > DOMAINS_KEPT_MAX)
		return;
	(void)pthread_mutex_lock(&mutex);
	if (read_changes == changes) {
		if (place->arena == NULL)
			place->arena = arena_create();
		arena_reset(place->arena);
		copy_lists(place->arena, lists, &place->lists);
		place->account_id = account_id;
		place->read_at = read_at;
		place->read_changes = changes;
	}
	(void)pthread_mutex_unlock(&mutex);
}

int own_lists_load(struct db *db, struct arena *arena,
		   const struct account *account, unsigned int domains_max,
		   struct mailbox_list *mailboxes_r,
		   struct domain_list *domains_r, const char **error_r)
{
	const uint64_t now = clock_msecs();
	struct lists lists;
	uint64_t read_changes;

	if (!find(arena, account->id, now, &lists, &read_changes)) {
		if (mailbox_list_own(db, arena, account, &lists.mailboxes,
				     error_r) < 0 ||
		    domain_list_names(db, arena, account->id, domains_max,
				      &lists.domains, error_r) < 0)
			return -1;
		keep(account->id, now, read_changes, &lists);
	}
	*mailboxes_r = lists.mailboxes;
	*domains_r = lists.domains;
	return 0;
}

void own_lists_forget(void)
{
	(void)pthread_mutex_lock(&mutex);
	changes++;
	(void)pthread_mutex_unlock(&mutex);
}

void own_lists_deinit(void)
{
	unsigned int i;

	for (i = 0; i < PLACES; i++)
		arena_free(&places[i].arena);
}
