#include "common/log.h"
#include "imapd/imap_object.h"
#include "imapd/imap_parse.h"
#include "imapd/imap_qresync.h"
#include "imapd/imap_reach.h"
#include "imapd/imap_session.h"
#include "imapd/imap_verbs.h"
#include "imapd/imapd_home.h"
#include "store/msg.h"

#include <inttypes.h>

/* select-params = SP "(" select-param *(SP select-param) ")"    RFC 4466 §2.1; CONDSTORE and
 * QRESYNC, RFC 7162 §3.1.8 and §3.2.5 */
static void imap_select_params(struct imap_cmd *c, bool *condstore, struct imap_qresync *q)
{
    struct scan *in = &c->args;
    if (scan_done(in))
        return;
    imap_parse_sp(in);
    scan_byte(in, '(', "Expected ( before the parameters");
    do {
        struct span name = imap_parse_atom(in);
        if (span_eq_ci(name, SPAN("CONDSTORE"))) {
            *condstore = true;
        } else if (span_eq_ci(name, SPAN("QRESYNC")) && !q->asked) {
            imap_parse_sp(in);
            imap_qresync_parse(c, in, q);
        } else {
            scan_fail(in, "Unknown parameter");
        }
    } while (scan_try(in, ' '));
    scan_byte(in, ')', "Expected ) behind the parameters");
    scan_end(in, "Unexpected text at the end");
}

/* The untagged responses, RFC 9051 §6.3.2 and RFC 3501 §6.3.1 */
static void imap_select_tell(struct imap_session *s, const struct mailbox *box, struct span given,
                             uint32_t first_unseen)
{
    struct imap_view *v = s->view;
    bool rev2 = (s->enabled & IMAP_REV2) != 0;
    imap_view_tell_keywords(v);
    imap_outf(s, "* %" PRIu32 " EXISTS\r\n", v->told_exists);
    if (!rev2) {
        imap_outf(s, "* %" PRIu32 " RECENT\r\n", imap_view_recent_count(v));
        if (first_unseen && !(s->enabled & IMAP_UIDONLY)) /* a message number: RFC 9586 §3 */
            imap_outf(s, "* OK [UNSEEN %" PRIu32 "] First unseen\r\n",
                      uidset_rank(&v->uids, first_unseen));
    }
    imap_outf(s, "* OK [UIDVALIDITY %" PRIu32 "] UIDs are valid\r\n", box->uidvalidity);
    imap_outf(s, "* OK [UIDNEXT %" PRIu32 "] Predicted next UID\r\n", box->uidnext);
    imap_outf(s, "* OK [HIGHESTMODSEQ %" PRIu64 "] Highest\r\n", box->highestmodseq);
    imap_outf(s, "* OK [MAILBOXID (%s)] This mailbox\r\n",
              imap_object_cstr(s->cmd.arena, IMAP_OBJECT_MAILBOX, box->id));
    if (rev2)
        imap_out_list(s, "", box->name, given);
}

static enum err imap_select_open(struct imap_cmd *c, struct span name, bool read_only,
                                 struct mailbox *box, uint32_t *first_unseen,
                                 struct imap_view **view, struct fault *f)
{
    struct imap_session *s = c->session;
    struct txn *t = NULL;
    struct imap_cache_box *cached = NULL;
    enum err e = txn_read(s->options->store, &t, f);
    if (e == ERR_OK)
        e = imap_reach(s, t, c->arena, name, ACL_READ, box, f);
    if (e == ERR_OK)
        e = imap_view_open(s, t, box, read_only, view, f);
    if (e == ERR_OK && imap_cache_look(&s->home->cache, t, box, &cached, f) == ERR_OK)
        *first_unseen = cached->first_unseen;
    txn_read_end(&t);
    return e;
}

static void imap_select_cleanup(struct imap_cmd *c)
{
    imap_qresync_fini(c->state);
}

static enum step imap_select(struct imap_cmd *c, bool read_only)
{
    struct imap_qresync *q = arena_new_of(c->arena, struct imap_qresync);
    struct imap_session *s = c->session;
    struct fault f = FAULT_NONE;
    struct mailbox box;
    struct imap_view *view = NULL;
    uint32_t first_unseen = 0;
    bool condstore = false;
    struct span given, name;
    name = imap_parse_mailbox_given(&c->args, c->arena, imap_session_utf8(s), &given);
    c->state = q;
    c->cleanup = imap_select_cleanup;
    imap_select_params(c, &condstore, q);
    if (!scan_ok(&c->args))
        return imap_reply_bad(c, c->args.why);
    /* Whatever becomes of the new one, the old one is closed: RFC 9051 §6.3.2 */
    if (s->state == IMAP_SELECTED) {
        imap_session_enter(s, IMAP_AUTH);
        imap_out(s, SPAN("* OK [CLOSED] Previous mailbox closed\r\n"));
    }
    enum err e = imap_select_open(c, name, read_only, &box, &first_unseen, &view, &f);
    if (e != ERR_OK)
        return imap_reply_err(c, e, &f);
    if (condstore)
        s->enabled |= IMAP_CONDSTORE;
    s->view = view;
    imap_session_enter(s, IMAP_SELECTED);
    imap_select_tell(s, &box, given, first_unseen);
    imap_view_recent_told(view);
    const char *code = view->read_only ? "READ-ONLY" : "READ-WRITE";
    const char *text = read_only ? "Examine completed" : "Select completed";
    return q->asked ? imap_qresync_run(c, q, code, text) : imap_reply_ok(c, code, text);
}

enum step imap_select_select(struct imap_cmd *c)
{
    return imap_select(c, false);
}

enum step imap_select_examine(struct imap_cmd *c)
{
    return imap_select(c, true);
}

static enum step imap_select_closed(struct imap_cmd *c)
{
    imap_session_enter(c->session, IMAP_AUTH);
    return imap_reply_ok(c, NULL, "Closed");
}

static enum err imap_select_expunge(struct txn *t, struct store_op *op, struct fault *f)
{
    const uint64_t *mailbox = imap_cmd_of_op(op)->state;
    struct uidset gone = {0};
    enum err e = imap_reach_selected(imap_cmd_of_op(op)->session, t, ACL_EXPUNGE, f);
    if (e == ERR_OK)
        e = msg_expunge(t, *mailbox, NULL, true, &gone, f);
    uidset_fini(&gone);
    return e;
}

static enum step imap_select_expunged(struct imap_cmd *c)
{
    /* Without the right "e" CLOSE leaves them: RFC 4314 §4 */
    if (c->op_result != ERR_OK && c->op_result != ERR_NOTFOUND && c->op_result != ERR_DENIED)
        return imap_reply_err(c, c->op_result, &c->op.fault);
    return imap_select_closed(c);
}

/* Expunges without a word, unless the mailbox was opened with EXAMINE: RFC 9051 §6.4.1 */
enum step imap_select_close(struct imap_cmd *c)
{
    struct imap_session *s = c->session;
    struct fault f = FAULT_NONE;
    struct txn *t = NULL;
    struct mailbox box = {.deleted = 0};
    if (s->view->read_only)
        return imap_select_closed(c);
    enum err e = txn_read(s->options->store, &t, &f);
    if (e == ERR_OK)
        e = mailbox_get(t, NULL, s->view->mailbox, &box, &f);
    txn_read_end(&t);
    if (e == ERR_NOTFOUND || (e == ERR_OK && box.deleted == 0))
        return imap_select_closed(c);
    if (e != ERR_OK)
        return imap_reply_err(c, e, &f);
    uint64_t *mailbox = arena_new_of(c->arena, uint64_t);
    *mailbox = s->view->mailbox;
    c->state = mailbox;
    return imap_cmd_submit(c, imap_select_expunge, imap_select_expunged);
}

enum step imap_select_unselect(struct imap_cmd *c)
{
    return imap_select_closed(c);
}

/* Everything that was acknowledged is on disk anyway. */
enum step imap_select_check(struct imap_cmd *c)
{
    return imap_reply_ok(c, NULL, "Check completed");
}
