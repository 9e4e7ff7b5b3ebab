#pragma once /* store/dump_state.h: words of the dump that its writer and its loader share */
#include "store/changes.h"
#include "store/flags.h"

#define DUMP_VERSION 1
#define DUMP_PIECE_BYTES (48u << 10) /* of a body in one line */
#define DUMP_LINE_BYTES (64u << 20)  /* longer lines are not read */

/* By enum change_kind (from 1) and enum actor_kind. */
#define DUMP_KINDS 10
extern const char *const dump_kinds[DUMP_KINDS];
extern const char *const dump_limits[3], *const dump_used[3]; /* the fields of a quota */
extern const char *const dump_actors[4];
