#pragma once /* common/sm.h: a state machine as a table of allowed moves */
#include <stdint.h>

/* One row a state; next has a bit for each state it may move to. At most 32 states. */
struct sm_rule {
    const char *name;
    uint32_t next;
};
#define SM_TO(state) (UINT32_C(1) << (state))

/* Moves *state to next; a move that the table does not allow is a bug of ours (must). */
void sm_enter(const struct sm_rule *rules, unsigned *state, unsigned next);
