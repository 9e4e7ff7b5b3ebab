#pragma once /* imapd/imap_cache.h: the UIDs of mailboxes that were looked at lately */
#include "common/list.h"
#include "common/map.h"
#include "imapd/imap_flagset.h"
#include "store/mailbox.h"
#include "store/uidset.h"

/* Belongs to one loop. Exact: an entry is used only when its MODSEQ is the row's, and brought up
 * to date from the change log otherwise. */
struct imap_cache {
    struct map *boxes;
    struct list_node used; /* least recently first */
    size_t ranges;         /* of all flags that are kept */
};
struct imap_cache_box {
    struct list_node node;
    uint64_t mailbox, modseq;
    struct uidset uids;
    uint32_t first_unseen; /* UID; 0: all are seen */
    uint32_t recent_from;  /* \Recent to the next session that opens it; may be ahead of the row */
    uint32_t unkept;       /* rows read since it was last kept in the store: imap_cache_keep */
    struct imap_flagset *flags; /* NULL: nobody has searched for flags */
    size_t ranges;              /* of flags when they were counted */
};
void imap_cache_init(struct imap_cache *c);
void imap_cache_fini(struct imap_cache *c);
/* What box holds, as of its row that was read in t. The result is borrowed until the next call. */
enum err imap_cache_look(struct imap_cache *c, struct txn *t, const struct mailbox *box,
                         struct imap_cache_box **out, struct fault *f);
/* The box keeps these flags (NULL: none) from now on, if they are not too scattered: else they are freed and box->flags is NULL. Those of boxes
 * that were not looked at lately go when all together are too many. */
void imap_cache_flags(struct imap_cache *c, struct imap_cache_box *box, struct imap_flagset *flags);
/* A session was told of the messages below uid: \Recent to no other (RFC 3501 §2.3.2). The row
 * hears of it later, by the view. */
void imap_cache_recent_told(struct imap_cache *c, uint64_t mailbox, uint32_t uid);
/* Keeps it in the store (store/glance.h) by an operation nobody waits for, if much was read to make it. home: of this loop. */
void imap_cache_keep(struct imap_cache_box *box, struct store *st, struct post *home);
