#include "imapd/imap_status.h"

#include "imapd/imap_condstore.h"
#include "imapd/imap_object.h"
#include "imapd/imap_parse.h"
#include "imapd/imap_reach.h"
#include "imapd/imap_session.h"
#include "imapd/imap_verbs.h"
#include "imapd/imapd_home.h"

#include <inttypes.h>

enum imap_status_item {
    IMAP_STATUS_MESSAGES,
    IMAP_STATUS_RECENT,
    IMAP_STATUS_UIDNEXT,
    IMAP_STATUS_UIDVALIDITY,
    IMAP_STATUS_UNSEEN,
    IMAP_STATUS_DELETED,
    IMAP_STATUS_SIZE,
    IMAP_STATUS_HIGHESTMODSEQ,
    IMAP_STATUS_APPENDLIMIT,
    IMAP_STATUS_DELETED_STORAGE,
    IMAP_STATUS_MAILBOXID,
    IMAP_STATUS_ITEMS
};

/* status-att, RFC 9051 §9; RECENT of RFC 3501, HIGHESTMODSEQ of RFC 7162 §3.1.7, APPENDLIMIT of
 * RFC 7889 §3, DELETED-STORAGE of RFC 9208 §4.1.4, MAILBOXID of RFC 8474 §4.3 */
static const char *const imap_status_names[IMAP_STATUS_ITEMS] = {
    "MESSAGES", "RECENT",        "UIDNEXT",     "UIDVALIDITY",     "UNSEEN",   "DELETED",
    "SIZE",     "HIGHESTMODSEQ", "APPENDLIMIT", "DELETED-STORAGE", "MAILBOXID"};

unsigned imap_status_items(struct scan *in)
{
    unsigned items = 0;
    scan_byte(in, '(', "Expected ( before the status items");
    do {
        struct span name = imap_parse_atom(in);
        unsigned i = 0;
        while (i < IMAP_STATUS_ITEMS && !span_eq_ci(name, span_cstr(imap_status_names[i])))
            i++;
        if (i == IMAP_STATUS_ITEMS)
            scan_fail(in, "Unknown status item");
        else
            items |= 1u << i;
    } while (scan_try(in, ' '));
    scan_byte(in, ')', "Expected ) behind the status items");
    return scan_ok(in) ? items : 0;
}

/* Messages that the next session to select will have as \Recent. */
static enum err imap_status_recent(struct imap_session *s, struct txn *t, const struct mailbox *box,
                                   uint64_t *out, struct fault *f)
{
    struct imap_cache_box *cached;
    *out = 0;
    if (box->recent_from >= box->uidnext || box->messages == 0)
        return ERR_OK;
    enum err e = imap_cache_look(&s->home->cache, t, box, &cached, f);
    if (e == ERR_OK)
        *out = uidset_count(&cached->uids) -
               (cached->recent_from > 1 ? uidset_rank(&cached->uids, cached->recent_from - 1) : 0);
    return e;
}

enum err imap_status_tell(struct imap_session *s, struct txn *t, const struct mailbox *box,
                          unsigned items, struct fault *f)
{
    uint64_t recent = 0;
    if (items & 1u << IMAP_STATUS_RECENT) {
        enum err e = imap_status_recent(s, t, box, &recent, f);
        if (e != ERR_OK)
            return e;
    }
    const uint64_t values[IMAP_STATUS_ITEMS] = {
        [IMAP_STATUS_MESSAGES] = box->messages,
        [IMAP_STATUS_RECENT] = recent,
        [IMAP_STATUS_UIDNEXT] = box->uidnext,
        [IMAP_STATUS_UIDVALIDITY] = box->uidvalidity,
        [IMAP_STATUS_UNSEEN] = box->unseen,
        [IMAP_STATUS_DELETED] = box->deleted,
        [IMAP_STATUS_SIZE] = box->bytes,
        [IMAP_STATUS_DELETED_STORAGE] = box->deleted_bytes,
        [IMAP_STATUS_HIGHESTMODSEQ] = box->highestmodseq,
        [IMAP_STATUS_APPENDLIMIT] = s->options->limits.message_bytes,
    };
    const char *between = " (";
    imap_out(s, SPAN("* STATUS "));
    imap_out_mailbox(s, box->name);
    for (unsigned i = 0; i < IMAP_STATUS_ITEMS; i++) {
        if (items & 1u << i) {
            imap_outf(s, "%s%s ", between, imap_status_names[i]);
            if (i == IMAP_STATUS_MAILBOXID)
                imap_outf(s, "(%s)", imap_object_cstr(s->cmd.arena, IMAP_OBJECT_MAILBOX, box->id));
            else
                imap_outf(s, "%" PRIu64, values[i]);
            between = " ";
        }
    }
    imap_out(s, SPAN(")\r\n"));
    return ERR_OK;
}

enum err imap_status_send(struct imap_session *s, struct txn *t, const struct mailbox *box,
                          unsigned items, struct fault *f)
{
    if (items & 1u << IMAP_STATUS_HIGHESTMODSEQ)
        imap_condstore_on(s);
    return imap_status_tell(s, t, box, items, f);
}

/* status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"    RFC 9051 §6.3.11; O(1),
 * also for the selected mailbox */
enum step imap_status(struct imap_cmd *c)
{
    struct imap_session *s = c->session;
    struct fault f = FAULT_NONE;
    struct mailbox box;
    struct txn *t = NULL;
    struct span name = imap_parse_mailbox(&c->args, c->arena, imap_session_utf8(s));
    imap_parse_sp(&c->args);
    unsigned items = imap_status_items(&c->args);
    scan_end(&c->args, "Unexpected text at the end");
    if (!scan_ok(&c->args))
        return imap_reply_bad(c, c->args.why);
    enum err e = txn_read(s->options->store, &t, &f);
    if (e == ERR_OK)
        e = imap_reach(s, t, c->arena, name, ACL_READ, &box, &f);
    if (e == ERR_OK)
        e = imap_status_send(s, t, &box, items, &f);
    txn_read_end(&t);
    return e == ERR_OK ? imap_reply_ok(c, NULL, "Status completed") : imap_reply_err(c, e, &f);
}
