#include "imapd/imap_condstore.h"
#include "imapd/imap_limit.h"
#include "imapd/imap_parse.h"
#include "imapd/imap_reach.h"
#include "imapd/imap_session.h"
#include "imapd/imap_verbs.h"
#include "store/msg.h"

/* Room: COPY and MOVE, RFC 9051 §6.4.7 and §6.4.8. One operation: all or nothing. */

#define IMAP_COPY_CODE_BYTES (48u << 20) /* more than the UIDs of two mailboxes */

struct copy {
    bool move, no_target;
    struct span name;
    struct uidset uids, from, to;
    uint32_t uidvalidity;
    const char *limit; /* code of MESSAGELIMIT */
};

static void cleanup(struct imap_cmd *c)
{
    struct copy *st = c->state;
    uidset_fini(&st->uids);
    uidset_fini(&st->from);
    uidset_fini(&st->to);
}

static enum err apply(struct txn *t, struct store_op *op, struct fault *f)
{
    struct imap_cmd *c = imap_cmd_of_op(op);
    struct copy *st = c->state;
    struct mailbox target;
    /* The row's name goes elsewhere: c->arena would grow with each repetition. */
    struct arena *a = arena_new();
    enum err e = imap_reach(c->session, t, a, st->name, ACL_INSERT, &target, f);
    arena_free(&a);
    st->no_target = e == ERR_NOTFOUND;
    /* RFC 6851 §4.2: as STORE, COPY and EXPUNGE together */
    if (e == ERR_OK)
        e = imap_reach_selected(c->session, t,
                                st->move ? ACL_READ | ACL_DELETE | ACL_EXPUNGE : ACL_READ, f);
    if (e != ERR_OK)
        return e;
    st->uidvalidity = target.uidvalidity;
    uint64_t from = c->session->view->mailbox;
    return st->move ? msg_move(t, from, &st->uids, target.id, &st->from, &st->to, f)
                    : msg_copy(t, from, &st->uids, target.id, &st->from, &st->to, f);
}

/* "COPYUID 38505 304,319:320 3956:3958", RFC 9051 §7.1 */
static const char *copyuid(struct imap_cmd *c, const struct copy *st)
{
    struct buf text;
    buf_init(&text, IMAP_COPY_CODE_BYTES);
    buf_addf(&text, "COPYUID %u ", st->uidvalidity);
    uidset_text(&st->from, &text);
    buf_byte(&text, ' ');
    uidset_text(&st->to, &text);
    const char *code = arena_cstr(c->arena, buf_span(&text));
    buf_fini(&text);
    return code;
}

static enum step done(struct imap_cmd *c)
{
    struct copy *st = c->state;
    if (c->op_result == ERR_NOTFOUND && st->no_target)
        return imap_reply_no(c, "TRYCREATE", "There is no mailbox of that name");
    if (c->op_result != ERR_OK)
        return imap_reply_err(c, c->op_result, &c->op.fault);
    if (uidset_empty(&st->from)) /* all had gone: RFC 9051 §6.4.9; by number RFC 2180 §4.4 */
        return c->uid ? imap_reply_ok(c, NULL, "There was nothing to copy")
                      : imap_reply_no(c, "EXPUNGEISSUED",
                                      "These messages were expunged by another session");
    const char *code = copyuid(c, st);
    if (!st->move)
        return imap_reply_ok(c, code, "COPY completed");
    imap_outf(c->session, "* OK [%s] Moved\r\n", code); /* before the EXPUNGEs: RFC 9051 §6.4.8 */
    if (st->limit)
        return imap_reply_ok(c, st->limit, "MOVE completed for the last of them");
    return imap_condstore_reply(c, true, "MOVE completed");
}

static enum step run(struct imap_cmd *c, bool move)
{
    struct copy *st = arena_new_of(c->arena, struct copy);
    st->move = move;
    struct imap_set set = imap_parse_set(&c->args, c->arena);
    imap_parse_sp(&c->args);
    st->name = imap_parse_mailbox(&c->args, c->arena, imap_session_utf8(c->session));
    scan_end(&c->args, "Something follows the mailbox");
    if (!scan_ok(&c->args))
        return imap_reply_bad(c, c->args.why);
    c->state = st;
    c->cleanup = cleanup;
    if (!imap_view_resolve(c->session->view, &set, c->uid, &st->uids))
        return imap_reply_bad(c, "There is no message of that number");
    if (uidset_empty(&st->uids))
        return imap_reply_ok(c, NULL, "There was nothing to copy");
    const char *over = move ? NULL : imap_limit_over(c, &st->uids);
    if (over)
        return imap_reply_no(c, over, "Too many messages to copy");
    if (move)
        st->limit = imap_limit_cut(c, &st->uids);
    return imap_cmd_submit(c, apply, done);
}

enum step imap_copy_copy(struct imap_cmd *c)
{
    return run(c, false);
}

enum step imap_copy_move(struct imap_cmd *c)
{
    return run(c, true);
}
