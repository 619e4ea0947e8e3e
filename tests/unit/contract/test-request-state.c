#include "contract-test.h"

static const char *const kind_names[] = {
	"password", "create", "delete", "encrypt", "close"
};

static const char *const state_names[] = {
	"pending", "claimed", "switching", "switched", "rekeying",
	"storing", "done", "failed", "expired", "canceled"
};

static const char *const unknown_names[] = {
	"", "Pending", "PASSWORD", "pending ", " pending", "pend", "pendingx",
	"pending\n", "password,create", "0", "1",
};

static void test_names(void **state)
{
	enum request_kind kind;
	enum request_state st;
	unsigned int i;

	(void)state;
	assert_int_equal(N_ELEMENTS(kind_names), REQUEST_KIND_COUNT);
	assert_int_equal(N_ELEMENTS(state_names), REQUEST_STATE_COUNT);
	for (i = 0; i < REQUEST_KIND_COUNT; i++) {
		assert_string_equal(request_kind_name((enum request_kind)i),
				    kind_names[i]);
		assert_true(request_kind_parse(kind_names[i], &kind));
		assert_int_equal(kind, i);
	}
	for (i = 0; i < REQUEST_STATE_COUNT; i++) {
		assert_string_equal(request_state_name((enum request_state)i),
				    state_names[i]);
		assert_true(request_state_parse(state_names[i], &st));
		assert_int_equal(st, i);
	}
}

static void test_unknown_names(void **state)
{
	enum request_kind kind = REQUEST_KIND_DELETE;
	enum request_state st = REQUEST_STATE_EXPIRED;
	unsigned int i;

	(void)state;
	for (i = 0; i < N_ELEMENTS(unknown_names); i++) {
		assert_false(request_kind_parse(unknown_names[i], &kind));
		assert_false(request_state_parse(unknown_names[i], &st));
	}
	for (i = 0; i < REQUEST_KIND_COUNT; i++)
		assert_false(request_state_parse(kind_names[i], &st));
	for (i = 0; i < REQUEST_STATE_COUNT; i++)
		assert_false(request_kind_parse(state_names[i], &kind));
	assert_false(request_kind_parse(NULL, &kind));
	assert_false(request_state_parse(NULL, &st));
	assert_int_equal(kind, REQUEST_KIND_DELETE);
	assert_int_equal(st, REQUEST_STATE_EXPIRED);
}

/* A row a state, a column a state it may become, in the order of the enum:
   pending claimed switching switched rekeying storing done failed expired
   canceled */
static const char *const transitions[REQUEST_STATE_COUNT] = {
	/* pending */   ".x....xxxx",
	/* claimed */   "x.x..x.xxx",
	/* switching */ "...x...x..",
	/* switched */  "....x.x...",
	/* rekeying */  ".....xx...",
	/* storing */   "......xx..",
	/* done */      "..........",
	/* failed */    "..........",
	/* expired */   "..........",
	/* canceled */  "..........",
};

static void test_transitions(void **state)
{
	unsigned int from, to;
	bool final;

	(void)state;
	for (from = 0; from < REQUEST_STATE_COUNT; from++) {
		assert_int_equal(strlen(transitions[from]),
				 REQUEST_STATE_COUNT);
		for (to = 0; to < REQUEST_STATE_COUNT; to++) {
			assert_int_equal(request_state_may_become(
				(enum request_state)from,
				(enum request_state)to),
				transitions[from][to] == 'x');
		}
		final = strchr(transitions[from], 'x') == NULL;
		assert_int_equal(
			request_state_is_final((enum request_state)from),
			final);
	}
}

#define MAX64 UINT64_MAX

static const struct window_case {
	enum request_state state;
	uint64_t created, now;
	uint32_t window_secs;
	bool closed;
	uint64_t opens;
} window_cases[] = {
	/* the edges of the time */
	{ REQUEST_STATE_PENDING, 1000, 1000, 900, true, 1900 },
	{ REQUEST_STATE_PENDING, 1000, 1899, 900, true, 1900 },
	{ REQUEST_STATE_PENDING, 1000, 1900, 900, false, 0 },
	{ REQUEST_STATE_PENDING, 1000, 1901, 900, false, 0 },
	{ REQUEST_STATE_PENDING, 1000, MAX64, 900, false, 0 },
	/* all states that time alone opens */
	{ REQUEST_STATE_CLAIMED, 1000, 1899, 900, true, 1900 },
	{ REQUEST_STATE_CLAIMED, 1000, 1900, 900, false, 0 },
	{ REQUEST_STATE_REKEYING, 1000, 1899, 900, true, 1900 },
	{ REQUEST_STATE_REKEYING, 1000, 1900, 900, false, 0 },
	/* the switch, before and after its time */
	{ REQUEST_STATE_SWITCHING, 1000, 1000, 900, true, 0 },
	{ REQUEST_STATE_SWITCHING, 1000, 1900, 900, true, 0 },
	{ REQUEST_STATE_SWITCHING, 1000, MAX64, 900, true, 0 },
	{ REQUEST_STATE_SWITCHING, 1000, 1000, 0, true, 0 },
	{ REQUEST_STATE_SWITCHING, 2000, 1000, 900, true, 0 },
	{ REQUEST_STATE_SWITCHED, 1000, 1000, 900, true, 0 },
	{ REQUEST_STATE_SWITCHED, 1000, 1900, 900, true, 0 },
	{ REQUEST_STATE_SWITCHED, 0, MAX64, 0, true, 0 },
	/* open while it goes on */
	{ REQUEST_STATE_STORING, 1000, 1000, 900, false, 0 },
	{ REQUEST_STATE_STORING, 1000, 1899, 900, false, 0 },
	/* ended */
	{ REQUEST_STATE_DONE, 1000, 1000, 900, false, 0 },
	{ REQUEST_STATE_FAILED, 1000, 1000, 900, false, 0 },
	{ REQUEST_STATE_EXPIRED, 1000, 1000, 900, false, 0 },
	{ REQUEST_STATE_CANCELED, 1000, 1000, 900, false, 0 },
	{ REQUEST_STATE_DONE, 2000, 1000, UINT32_MAX, false, 0 },
	/* made in the near future: as if made now */
	{ REQUEST_STATE_PENDING, 1001, 1000, 900, true, 1900 },
	{ REQUEST_STATE_CLAIMED, 1000 + REQUEST_CLOCK_SKEW_SECS, 1000, 900,
	  true, 1900 },
	/* farther away: the clock was set back */
	{ REQUEST_STATE_PENDING, 1001 + REQUEST_CLOCK_SKEW_SECS, 1000, 900,
	  false, 0 },
	{ REQUEST_STATE_REKEYING, MAX64, 0, 900, false, 0 },
	/* no window */
	{ REQUEST_STATE_PENDING, 1000, 1000, 0, false, 0 },
	{ REQUEST_STATE_PENDING, 2000, 1000, 0, false, 0 },
	{ REQUEST_STATE_PENDING, 0, 0, 0, false, 0 },
	/* the shortest, the longest */
	{ REQUEST_STATE_PENDING, 1000, 1000, 1, true, 1001 },
	{ REQUEST_STATE_PENDING, 1000, 1001, 1, false, 0 },
	{ REQUEST_STATE_PENDING, 0, 0, UINT32_MAX, true, UINT32_MAX },
	{ REQUEST_STATE_PENDING, 0, UINT32_MAX, UINT32_MAX, false, 0 },
	{ REQUEST_STATE_PENDING, 1, UINT32_MAX, UINT32_MAX,
	  true, (uint64_t)UINT32_MAX + 1 },
	/* the end of time */
	{ REQUEST_STATE_PENDING, MAX64 - 900, MAX64 - 1, 900, true, MAX64 },
	{ REQUEST_STATE_PENDING, MAX64 - 900, MAX64, 900, false, 0 },
	{ REQUEST_STATE_PENDING, MAX64 - 899, MAX64, 900, true, MAX64 },
	{ REQUEST_STATE_PENDING, MAX64, MAX64, 900, true, MAX64 },
	{ REQUEST_STATE_PENDING, MAX64, MAX64 - 10, 900, true, MAX64 },
};

static void test_window(void **state)
{
	const struct window_case *c;
	const uint64_t untouched = 4711;
	uint64_t opens;
	unsigned int i;
	bool closed;

	(void)state;
	for (i = 0; i < N_ELEMENTS(window_cases); i++) {
		c = &window_cases[i];
		opens = untouched;
		closed = request_window_is_closed(c->state, c->created, c->now,
						  c->window_secs, &opens);
		if (closed != c->closed ||
		    opens != (c->closed ? c->opens : untouched))
			fail_msg("window case %u: closed %d, opens %ju", i,
				 closed, (uintmax_t)opens);
	}
}

/* Invariant: at the time it said it opens, it is open, unless the clock was
   set back a little meanwhile; and that is never further away than the window. */
static void test_window_keeps_its_word(void **state)
{
	static const uint64_t times[] = {
		0, 1, 899, 900, 901, 1760000000, 1760000899, 1760000900,
		UINT32_MAX, MAX64 - 901, MAX64 - 900, MAX64 - 899, MAX64 - 1,
	};
	uint64_t opens;
	unsigned int i, j;

	(void)state;
	for (i = 0; i < N_ELEMENTS(times); i++) {
		for (j = 0; j < N_ELEMENTS(times); j++) {
			if (!request_window_is_closed(REQUEST_STATE_PENDING,
					times[i], times[j], 900, &opens))
				continue;
			assert_true(opens > times[j]);
			assert_true(opens - times[j] <= 900);
			if (times[i] > times[j] || opens == MAX64)
				continue;
			assert_false(request_window_is_closed(
				REQUEST_STATE_PENDING, times[i], opens, 900,
				&opens));
		}
	}
}

static void test_kinds_that_close(void **state)
{
	static const struct {
		enum request_kind kind;
		enum request_state state;
		uint64_t now, until;
		bool closed;
		uint64_t opens;
	} cases[] = {
		/* a change of password knows no other time than the window */
		{ REQUEST_KIND_PASSWORD, REQUEST_STATE_PENDING, 1000, 1,
		  true, 1900 },
		{ REQUEST_KIND_PASSWORD, REQUEST_STATE_SWITCHING, 9999, 0,
		  true, 0 },
		{ REQUEST_KIND_PASSWORD, REQUEST_STATE_PENDING, 1900, 9999,
		  false, 0 },
		/* an administrator's ends at its time */
		{ REQUEST_KIND_CLOSE, REQUEST_STATE_PENDING, 1000, 1300,
		  true, 1300 },
		{ REQUEST_KIND_CLOSE, REQUEST_STATE_PENDING, 1299, 1300,
		  true, 1300 },
		{ REQUEST_KIND_CLOSE, REQUEST_STATE_PENDING, 1300, 1300,
		  false, 0 },
		{ REQUEST_KIND_CLOSE, REQUEST_STATE_PENDING, 1000, 0,
		  false, 0 },
		/* and never outlasts the window, whatever the row says */
		{ REQUEST_KIND_CLOSE, REQUEST_STATE_PENDING, 1000, 99999,
		  true, 1900 },
		{ REQUEST_KIND_CLOSE, REQUEST_STATE_PENDING, 1900, 99999,
		  false, 0 },
		/* nor does a state that it never has */
		{ REQUEST_KIND_CLOSE, REQUEST_STATE_SWITCHING, 1000, 1300,
		  false, 0 },
		{ REQUEST_KIND_CLOSE, REQUEST_STATE_CANCELED, 1000, 1300,
		  false, 0 },
		{ REQUEST_KIND_CREATE, REQUEST_STATE_PENDING, 1000, 1300,
		  false, 0 },
		{ REQUEST_KIND_DELETE, REQUEST_STATE_PENDING, 1000, 1300,
		  false, 0 },
		{ REQUEST_KIND_ENCRYPT, REQUEST_STATE_CLAIMED, 1000, 1300,
		  false, 0 },
	};
	const uint64_t untouched = 4711;
	uint64_t opens;
	unsigned int i;
	bool closed;

	(void)state;
	for (i = 0; i < N_ELEMENTS(cases); i++) {
		const struct request_window window = {
			.kind = cases[i].kind,
			.state = cases[i].state,
			.created = 1000,
			.now = cases[i].now,
			.until = cases[i].until,
		};

		opens = untouched;
		closed = request_keeps_closed(&window, 900, &opens);
		if (closed != cases[i].closed ||
		    opens != (closed ? cases[i].opens : untouched))
			fail_msg("case %u: closed %d, opens %ju", i, closed,
				 (uintmax_t)opens);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_unknown_names),
		cmocka_unit_test(test_transitions),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_window_keeps_its_word),
		cmocka_unit_test(test_kinds_that_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
