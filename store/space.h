#pragma once /* store/space.h: room on the disk */
#include "common/fault.h"
#include "store/store.h"

/* Room below which mail is refused, and a ballast: a file that is nothing but room, given up when recovery needs it. */
struct space;

struct space *space_new(const struct store_options *o);
void space_free(struct space **s);
/* Before recovery, which cannot do with a full disk: gives up the ballast when free space is below the low-water mark. */
void space_before_recovery(struct space *s);
/* Looks at the disk. Threads that may block. */
void space_look(struct space *s);
/* Makes the ballast again if the last look saw plenty. One thread at a time. */
void space_mend(struct space *s);
bool space_is_low(const struct space *s);
uint64_t space_left(const struct space *s); /* bytes at the last look */
