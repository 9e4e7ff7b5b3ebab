#pragma once /* store/actor.h: who did it */
#include "common/id.h"
#include <stdint.h>

enum actor_kind { ACTOR_SYSTEM, ACTOR_SMTP, ACTOR_IMAP, ACTOR_ADMIN };

/* A plain value that every write carries and the change log remembers. */
struct actor {
    enum actor_kind kind;
    uint64_t account;  /* as whom; 0 for nobody */
    struct id session; /* as in the log */
};
