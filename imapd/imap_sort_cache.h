#pragma once /* imapd/imap_sort_cache.h: the order of large mailboxes that were sorted lately */
#include "common/list.h"
#include "imapd/imap_sort_keys.h"

/* Belongs to one loop. What decides the order of two messages never changes, and no UID is given twice: an order stays
 * right for ever, and for every part of it. It only lacks messages that have come since. */
struct imap_sort_cache {
    struct list_node used; /* least recently first */
    size_t entries;        /* UIDs in all of them */
};
#define IMAP_SORT_CACHE_LEAST 1000u        /* smaller results are not kept */
#define IMAP_SORT_CACHE_ENTRIES (4u << 20) /* of four bytes each */
void imap_sort_cache_init(struct imap_sort_cache *c);
void imap_sort_cache_fini(struct imap_sort_cache *c);
/* Writes the members of found in order to order_out, which has room for all. False: there are some that are not known. */
bool imap_sort_cache_get(struct imap_sort_cache *c, uint64_t mailbox,
                         const struct imap_sort_criteria *criteria, const struct uidset *found,
                         uint32_t *order_out);
/* The order of n messages; replaces what was known of that mailbox by these criteria if it is not longer. */
void imap_sort_cache_put(struct imap_sort_cache *c, uint64_t mailbox,
                         const struct imap_sort_criteria *criteria, const uint32_t *order,
                         size_t n);
