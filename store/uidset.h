#pragma once /* store/uidset.h: sets of UIDs as sorted ranges */
#include "common/buf.h"
#include "common/span.h"

/* Disjoint, not adjacent, ascending. A mailbox without gaps is one range whatever its size. Plain value: uidset_init or zeroes. */
struct uidset_range {
    uint32_t first, last;
};
struct uidset {
    struct uidset_range *ranges;
    size_t n, cap;
    size_t *before; /* members before ranges[i]; valid while indexed */
    bool indexed;
};

void uidset_init(struct uidset *s);
void uidset_fini(struct uidset *s);
void uidset_clear(struct uidset *s);
void uidset_copy(struct uidset *to, const struct uidset *from);
/* Cheap at the end, O(ranges) in the middle. first must be > 0 and <= last. */
void uidset_add(struct uidset *s, uint32_t first, uint32_t last);
void uidset_add_set(struct uidset *s, const struct uidset *more);
void uidset_remove(struct uidset *s, uint32_t first, uint32_t last);
void uidset_remove_set(struct uidset *s, const struct uidset *less);
void uidset_intersect(struct uidset *s, const struct uidset *with);
bool uidset_has(const struct uidset *s, uint32_t uid);
bool uidset_empty(const struct uidset *s);
uint32_t uidset_count(const struct uidset *s);
uint32_t uidset_first(const struct uidset *s); /* 0 when empty */
uint32_t uidset_last(const struct uidset *s);  /* 0 when empty */
/* Sequence numbers: the UID of the nth member (from 1; 0 if there is none), and how many members are <= uid. O(log ranges). */
uint32_t uidset_nth(struct uidset *s, uint32_t nth);
uint32_t uidset_rank(struct uidset *s, uint32_t uid);
/* The smallest member >= uid, or 0. */
uint32_t uidset_next(const struct uidset *s, uint32_t uid);
/* "1:5,7" as in RFC 9051 sequence-set; nothing for the empty set. */
bool uidset_text(const struct uidset *s, struct buf *out);
/* Little-endian pairs, for records. False: damaged. */
bool uidset_pack(const struct uidset *s, struct buf *out);
bool uidset_unpack(struct uidset *s, struct span packed);
