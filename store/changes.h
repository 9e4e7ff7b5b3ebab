#pragma once /* store/changes.h: what changed, by whom: the log of changes and those who watch it */
#include "common/list.h"
#include "store/txn.h"
#include "store/uidset.h"

enum change_kind {
    CHANGE_ADDED = 1,
    CHANGE_FLAGS = 2,
    CHANGE_REMOVED = 3, /* messages of a mailbox */
    CHANGE_BOX_NEW = 4,
    CHANGE_BOX_GONE = 5,
    CHANGE_BOX_NAMED = 6,    /* the mailbox itself */
    CHANGE_BOX_RIGHTS = 7,   /* who may do what with it; not seen in its HIGHESTMODSEQ */
    CHANGE_BOX_METADATA = 8, /* RFC 5464; mailbox 0: of the server, for that account */
    CHANGE_SUBSCRIPTION = 9  /* of the account; mailbox 0 */
};
struct change {
    uint64_t account, mailbox, modseq;
    enum change_kind kind;
    struct actor by;
    struct span
        about; /* to watchers alone, until note returns: see changes_record_about; else empty */
};

/* In an operation: remembers the change (one of a kind per mailbox and operation) and announces it once the batch is on disk. uids may be NULL. */
enum err changes_record(struct txn *t, uint64_t account, uint64_t mailbox, enum change_kind kind,
                        const struct uidset *uids, struct fault *f);

/* The same, and tells those who watch what it is about: the name that a mailbox had (GONE; NAMED, but nothing where it only went
 * along with one above it), the name that was subscribed to, the metadata entry. */
enum err changes_record_about(struct txn *t, uint64_t account, uint64_t mailbox,
                              enum change_kind kind, struct span about, struct fault *f);

/* Calls fn for each change of that mailbox (0: of all) with a MODSEQ larger than since, in order. ERR_LIMIT: the log no longer reaches back
 * so far: compare with the rows themselves. */
typedef void changes_fn(void *arg, const struct change *c, const struct uidset *uids);
enum err changes_since(struct txn *t, uint64_t account, uint64_t mailbox, uint64_t since,
                       changes_fn *fn, void *arg, struct fault *f);
/* The same in helpings: about max rows of the account's log, whole operations; *since goes up to the last MODSEQ that was looked at, and
 * *done says that there are no more. */
enum err changes_since_some(struct txn *t, uint64_t account, uint64_t mailbox, uint64_t *since,
                            size_t max, bool *done, changes_fn *fn, void *arg, struct fault *f);

/* Embedded in the watcher; lives on the home (store_home) of the account by, or, 0, of the account itself. There note is called after the
 * change is on disk: it takes note and returns. mailbox 0: all of the account. A watch at another home begins before the first look
 * (a snapshot) at what is watched, or is followed by another look: else a change between the two is missed. */
struct changes_watch {
    struct list_node node;
    uint64_t account, mailbox, by;
    void (*note)(struct changes_watch *w, const struct change *c);
};
void changes_watch(struct store *st, struct changes_watch *w); /* on that home */
void changes_unwatch(struct changes_watch *w); /* likewise; no effect if not watching */
/* Forgets changes older than before (wall clock seconds), at most max rows; for housekeeping. */
enum err changes_expire(struct txn *t, int64_t before, unsigned max, unsigned *gone_out,
                        struct fault *f);

/* For an account that goes: up to max rows; fewer than max gone: all are. */
enum err changes_purge(struct txn *t, uint64_t account, unsigned max, unsigned *gone_out,
                       struct fault *f);

/* --- inside store/: the watchers of each home; made by store_homes, freed by store_close, when all have stopped watching and
 * the homes have run or will never run what was posted to them --- */
struct changes_hubs;
struct changes_hubs *changes_hubs_new(unsigned homes);
void changes_hubs_free(struct changes_hubs **h);
/* Of this store; NULL before store_homes. In store/store.c. */
struct changes_hubs *store_hubs(const struct store *st);
