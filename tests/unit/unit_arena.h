#pragma once /* tests/unit/unit_arena.h: an arena for all tests of a program: the global, and what *state points to */
#include "common/arena.h"
#include "tests/unit/unit.h"

static struct arena *arena;

static inline int unit_arena_new(void **state)
{
    *state = arena = arena_new();
    return 0;
}

static inline int unit_arena_free(void **state)
{
    *state = NULL;
    arena_free(&arena);
    return 0;
}
