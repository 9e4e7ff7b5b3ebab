#pragma once /* store/outline_walk.h: the outlines of many bodies, read ahead where they lie together */
#include "store/table.h"

/* Messages that came one after the other have bodies whose ids follow each other: asked for in that order, their outlines come
 * out of bulk reads. Others are looked up one by one. */
struct outline_walk {
    struct table_walk walk; /* private, as the rest */
    bool walking;
    uint64_t asked; /* last */
    unsigned near;  /* so many in a row were near behind the one before */
    uint64_t at;    /* the row in hand */
    struct span record;
    struct buf one;
};
void outline_walk_init(struct outline_walk *w);
void outline_walk_fini(struct outline_walk *w); /* after outline_walk_rest */
/* The record is valid until the next call. All calls between two outline_walk_rest are with the same t. */
enum err outline_walk_get(struct outline_walk *w, struct txn *t, uint64_t body,
                          struct span *record_out, struct fault *f);
/* Before the snapshot ends. */
enum err outline_walk_rest(struct outline_walk *w, struct fault *f);
