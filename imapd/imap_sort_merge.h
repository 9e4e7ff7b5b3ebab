#pragma once /* imapd/imap_sort_merge.h: a merge sort that can stop and go on: no slice is longer than its steps */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is ordered: by key, then by more, and where these are equal as tie says. */
struct imap_sort_item {
    uint64_t key, more;
    uint32_t nth; /* the caller's number of it */
};
/* Below 0 if a stands before b, above 0 if behind. NULL where nth decides. */
typedef int imap_sort_tie(void *arg, uint32_t a, uint32_t b);

struct imap_sort_merge {
    struct imap_sort_item *items; /* the result, once it is done */
    size_t n;
    imap_sort_tie *tie; /* private from here */
    void *arg;
    struct imap_sort_item *spare;
    size_t width;    /* of the runs that are in order */
    size_t from;     /* where the pair of runs begins that is merged */
    size_t a, b, to; /* in its left run, its right run, and the result */
    bool ordered;
};
/* Makes room for n items, for the caller to fill in before the first step. */
void imap_sort_merge_init(struct imap_sort_merge *m, size_t n, imap_sort_tie *tie, void *arg);
/* About so many items are moved. True: all is in order. */
bool imap_sort_merge_step(struct imap_sort_merge *m, size_t steps);
void imap_sort_merge_fini(struct imap_sort_merge *m); /* zeroes are fine */
