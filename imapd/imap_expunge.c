#include "imapd/imap_condstore.h"
#include "imapd/imap_limit.h"
#include "imapd/imap_parse.h"
#include "imapd/imap_reach.h"
#include "imapd/imap_session.h"
#include "imapd/imap_verbs.h"
#include "store/msg.h"

/* Room: EXPUNGE and UID EXPUNGE, RFC 9051 §6.4.3 and §6.4.9. The EXPUNGE lines are the view's
 * news before the tagged reply. */

struct expunge {
    struct uidset uids, gone;
    struct uidset chosen; /* of uids, where there is a limit */
    const char *limit;    /* code of MESSAGELIMIT */
};

static void cleanup(struct imap_cmd *c)
{
    struct expunge *st = c->state;
    uidset_fini(&st->uids);
    uidset_fini(&st->gone);
    uidset_fini(&st->chosen);
}

/* Those with \Deleted, the highest of them if they are too many: RFC 9738 §3.1. EXPUNGE itself has no limit. */
static enum err choose(struct txn *t, struct imap_cmd *c, struct expunge *st, struct fault *f)
{
    struct msg_pick p;
    struct msg m;
    uidset_clear(&st->chosen);
    msg_pick(&p, t, c->session->view->mailbox, &st->uids, UINT32_MAX);
    while (msg_pick_next(&p, &m)) {
        if (m.flags & FLAGS_DELETED)
            uidset_add(&st->chosen, m.uid, m.uid);
    }
    st->limit = imap_limit_cut(c, &st->chosen);
    return msg_pick_end(&p, f);
}

static enum err apply(struct txn *t, struct store_op *op, struct fault *f)
{
    struct imap_cmd *c = imap_cmd_of_op(op);
    struct expunge *st = c->state;
    enum err e = imap_reach_selected(c->session, t, ACL_EXPUNGE, f);
    bool limited = c->uid && c->session->options->limits.message_count > 0;
    if (e == ERR_OK && limited)
        e = choose(t, c, st, f);
    if (e != ERR_OK)
        return e;
    const struct uidset *uids = limited ? &st->chosen : c->uid ? &st->uids : NULL;
    return msg_expunge(t, c->session->view->mailbox, uids, true, &st->gone, f);
}

static enum step done(struct imap_cmd *c)
{
    if (c->op_result != ERR_OK)
        return imap_reply_err(c, c->op_result, &c->op.fault);
    struct expunge *st = c->state;
    if (st->limit)
        return imap_reply_ok(c, st->limit, "EXPUNGE completed for the last of them");
    return imap_condstore_reply(c, !uidset_empty(&st->gone), "EXPUNGE completed");
}

enum step imap_expunge(struct imap_cmd *c)
{
    struct expunge *st = arena_new_of(c->arena, struct expunge);
    if (c->uid) {
        struct imap_set set = imap_parse_set(&c->args, c->arena);
        scan_end(&c->args, "Something follows the UIDs");
        if (!scan_ok(&c->args))
            return imap_reply_bad(c, c->args.why);
        c->state = st;
        c->cleanup = cleanup;
        imap_view_resolve(c->session->view, &set, true, &st->uids);
        return uidset_empty(&st->uids) ? imap_reply_ok(c, NULL, "EXPUNGE completed")
                                       : imap_cmd_submit(c, apply, done);
    }
    scan_end(&c->args, "EXPUNGE takes no arguments");
    if (!scan_ok(&c->args))
        return imap_reply_bad(c, c->args.why);
    c->state = st;
    c->cleanup = cleanup;
    return imap_cmd_submit(c, apply, done);
}
