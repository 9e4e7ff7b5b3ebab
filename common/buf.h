#pragma once /* common/buf.h: a growing byte buffer that is born with a maximum */
#include "common/span.h"

/* The fields are readable; change them through the functions only. */
struct buf {
    char *p;
    size_t n, cap, max_bytes;
    bool full; /* sticky: something did not fit; what was added before is intact */
};

/* Takes no memory until the first byte. */
void buf_init(struct buf *b, size_t max_bytes);
void buf_fini(struct buf *b);
void buf_reset(struct buf *b); /* empty, not full, keeps its memory */
void buf_trim(struct buf *b);  /* buf_reset, and gives the memory back */

/* Each returns false, adds nothing and sets full if the result would be longer than max_bytes. */
bool buf_add(struct buf *b, struct span s);
bool buf_addz(struct buf *b, const char *z);
bool buf_byte(struct buf *b, char c);
bool buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool buf_u64(struct buf *b, uint64_t v); /* decimal */
/* Room for n more bytes at the end, or NULL; buf_grew tells how many of them were filled. */
char *buf_room(struct buf *b, size_t n);
void buf_grew(struct buf *b, size_t n);
/* Removes the first n bytes; n must not be larger than b->n. */
void buf_eat(struct buf *b, size_t n);

static inline struct span buf_span(const struct buf *b)
{
    return (struct span){b->p, b->n};
}
