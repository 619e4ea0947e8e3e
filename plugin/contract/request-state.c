#include "request-state.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

static const char *const kind_names[REQUEST_KIND_COUNT] = {
	[REQUEST_KIND_PASSWORD] = "password",
	[REQUEST_KIND_CREATE] = "create",
	[REQUEST_KIND_DELETE] = "delete",
	[REQUEST_KIND_ENCRYPT] = "encrypt",
	[REQUEST_KIND_CLOSE] = "close",
};

#define TO(state) (1U << REQUEST_STATE_##state)

static const struct {
	const char *name;
	/* Bits of the states it may become: none, if it is final. */
	unsigned int next;
} states[REQUEST_STATE_COUNT] = {
	[REQUEST_STATE_PENDING] = { "pending",
		TO(CLAIMED) | TO(DONE) | TO(FAILED) | TO(EXPIRED) |
		TO(CANCELED) },
	[REQUEST_STATE_CLAIMED] = { "claimed",
		TO(PENDING) | TO(SWITCHING) | TO(STORING) |
		TO(FAILED) | TO(EXPIRED) | TO(CANCELED) },
	[REQUEST_STATE_SWITCHING] = { "switching", TO(SWITCHED) | TO(FAILED) },
	[REQUEST_STATE_SWITCHED] = { "switched", TO(REKEYING) | TO(DONE) },
	[REQUEST_STATE_REKEYING] = { "rekeying",
		TO(STORING) | TO(DONE) },
	[REQUEST_STATE_STORING] = { "storing", TO(DONE) | TO(FAILED) },
	[REQUEST_STATE_DONE] = { "done", 0 },
	[REQUEST_STATE_FAILED] = { "failed", 0 },
	[REQUEST_STATE_EXPIRED] = { "expired", 0 },
	[REQUEST_STATE_CANCELED] = { "canceled", 0 },
};

const char *request_kind_name(enum request_kind kind)
{
	assert((unsigned int)kind < REQUEST_KIND_COUNT);
	return kind_names[kind];
}

const char *request_state_name(enum request_state state)
{
	assert((unsigned int)state < REQUEST_STATE_COUNT);
	return states[state].name;
}

bool request_kind_parse(const char *name, enum request_kind *kind_r)
{
	unsigned int i;

	for (i = 0; name != NULL && i < REQUEST_KIND_COUNT; i++) {
		if (strcmp(name, kind_names[i]) == 0) {
			*kind_r = (enum request_kind)i;
			return true;
		}
	}
	return false;
}

bool request_state_parse(const char *name, enum request_state *state_r)
{
	unsigned int i;

	for (i = 0; name != NULL && i < REQUEST_STATE_COUNT; i++) {
		if (strcmp(name, states[i].name) == 0) {
			*state_r = (enum request_state)i;
			return true;
		}
	}
	return false;
}

bool request_state_may_become(enum request_state from, enum request_state to)
{
	assert((unsigned int)from < REQUEST_STATE_COUNT);
	assert((unsigned int)to < REQUEST_STATE_COUNT);
	return (states[from].next & (1U << to)) != 0;
}

bool request_deletion_has_begun(enum request_state state)
{
	return state == REQUEST_STATE_SWITCHING ||
		state == REQUEST_STATE_SWITCHED ||
		state == REQUEST_STATE_REKEYING;
}

bool request_state_is_final(enum request_state state)
{
	assert((unsigned int)state < REQUEST_STATE_COUNT);
	return states[state].next == 0;
}

bool request_window_is_closed(enum request_state state, uint64_t created,
			      uint64_t now, uint32_t window_secs,
			      uint64_t *opens_r)
{
	uint64_t start;

	if (request_state_is_final(state) || state == REQUEST_STATE_STORING)
		return false;
	if (state == REQUEST_STATE_SWITCHING ||
	    state == REQUEST_STATE_SWITCHED) {
		*opens_r = 0;
		return true;
	}

	/* a clock set back: the request would close the mailbox for longer than
	   the window, until the clock has caught up */
	if (created > now && created - now > REQUEST_CLOCK_SKEW_SECS)
		return false;
	start = created < now ? created : now;
	if (now - start >= window_secs)
		return false;
	*opens_r = start <= UINT64_MAX - window_secs ?
		start + window_secs : UINT64_MAX;
	return true;
}

bool request_keeps_closed(const struct request_window *request,
			  uint32_t window_secs, uint64_t *opens_r)
{
	uint64_t opens;

	if (request->kind == REQUEST_KIND_PASSWORD)
		return request_window_is_closed(request->state,
						request->created, request->now,
						window_secs, opens_r);
	if (request->kind != REQUEST_KIND_CLOSE ||
	    request->state != REQUEST_STATE_PENDING ||
	    request->now >= request->until ||
	    !request_window_is_closed(request->state, request->created,
				      request->now, window_secs, &opens))
		return false;
	*opens_r = request->until < opens ? request->until : opens;
	return true;
}
