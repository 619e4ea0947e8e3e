#ifndef WEB_TEST_H
#define WEB_TEST_H

/* What the portal's tests have in common. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arena.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

/* Each test has an arena as its state. */
static inline int setup_arena(void **state)
{
	*state = arena_create();
	return 0;
}

static inline int teardown_arena(void **state)
{
	arena_free((struct arena **)state);
	return 0;
}

#define arena_test(function) \
	cmocka_unit_test_setup_teardown(function, setup_arena, teardown_arena)

#endif
