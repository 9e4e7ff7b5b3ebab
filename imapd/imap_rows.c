#include "imapd/imap_rows.h"

#define FEW_COUNT 8   /* so many messages are read one by one */
#define SEEK_COUNT 64 /* rows walked over for nothing before it is better to look up the next */

void imap_rows_init(struct imap_rows *r, uint64_t mailbox, const struct uidset *uids)
{
    *r = (struct imap_rows){.uids = uids,
                            .mailbox = mailbox,
                            .next = uidset_first(uids),
                            .few = uidset_count(uids) <= FEW_COUNT};
}

void imap_rows_begin(struct imap_rows *r, struct txn *t)
{
    r->t = t;
    r->walking = false;
    r->fault = FAULT_NONE;
}

static enum err stop(struct imap_rows *r)
{
    if (!r->walking)
        return ERR_OK;
    r->walking = false;
    return msg_walk_end(&r->walk, &r->fault);
}

/* The first row at or behind r->next. False: none, or an error. */
static bool seek(struct imap_rows *r, struct msg *out)
{
    for (unsigned idle = 0;;) {
        if (!r->walking)
            msg_walk(&r->walk, r->t, r->mailbox, r->next, r->few);
        r->walking = true;
        if (!msg_walk_next(&r->walk, out))
            return false;
        if (out->uid >= r->next)
            return true;
        if (++idle >= SEEK_COUNT) {
            idle = 0;
            if (stop(r) != ERR_OK)
                return false;
        }
    }
}

bool imap_rows_next(struct imap_rows *r, struct msg *out)
{
    while (r->next != 0 && r->fault.kind == ERR_OK) {
        if (!seek(r, out)) {
            if (stop(r) == ERR_OK) { /* the mailbox ends before them */
                r->missing = true;
                r->next = 0;
            }
            return false;
        }
        uint32_t wanted = r->next;
        r->next = out->uid == wanted ? (wanted == UINT32_MAX ? 0 : uidset_next(r->uids, wanted + 1))
                                     : uidset_next(r->uids, out->uid);
        if (out->uid == wanted)
            return true;
        r->missing = true;
        if (r->next == out->uid) { /* the row in hand is the next one wanted */
            r->next = out->uid == UINT32_MAX ? 0 : uidset_next(r->uids, out->uid + 1);
            return true;
        }
    }
    return false;
}

enum err imap_rows_end(struct imap_rows *r, enum err so_far, struct fault *f)
{
    enum err e = stop(r);
    if (so_far != ERR_OK || (e == ERR_OK && r->fault.kind == ERR_OK))
        return so_far;
    *f = r->fault;
    return r->fault.kind;
}
