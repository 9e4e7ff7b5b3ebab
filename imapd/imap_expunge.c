#include "imapd/imap_parse.h"
#include "imapd/imap_session.h"
#include "imapd/imap_verbs.h"
#include "store/msg.h"

/* Room: EXPUNGE and UID EXPUNGE, RFC 9051 §6.4.3 and §6.4.9. The EXPUNGE lines are the view's
 * news before the tagged reply. */

struct expunge {
    struct uidset uids, gone;
};

static void cleanup(struct imap_cmd *c)
{
    struct expunge *st = c->state;
    uidset_fini(&st->uids);
    uidset_fini(&st->gone);
}

static enum err apply(struct txn *t, struct store_op *op, struct fault *f)
{
    struct imap_cmd *c = imap_cmd_of_op(op);
    struct expunge *st = c->state;
    return msg_expunge(t, c->session->view->mailbox, c->uid ? &st->uids : NULL, true, &st->gone, f);
}

static enum step done(struct imap_cmd *c)
{
    if (c->op_result != ERR_OK)
        return imap_reply_err(c, c->op_result, &c->op.fault);
    return imap_reply_ok(c, NULL, "EXPUNGE completed");
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
