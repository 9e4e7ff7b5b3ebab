#include "imapd/imap_condstore.h"
#include "imapd/imap_limit.h"
#include "imapd/imap_parse.h"
#include "imapd/imap_progress.h"
#include "imapd/imap_reach.h"
#include "imapd/imap_rows.h"
#include "imapd/imap_session.h"
#include "imapd/imap_verbs.h"
#include "store/msg.h"

/* Room: STORE, RFC 9051 §6.4.6, with UNCHANGEDSINCE of RFC 7162 §3.1.3. */

#define IMAP_STORE_CODE_BYTES (32u << 20) /* more than the UIDs of any mailbox */
#define IMAP_STORE_LINE_BYTES (2u << 20)  /* more than all keywords of a mailbox */

struct change_state {
    struct flags_change change;
    bool silent;
    struct uidset uids, changed, refused;
    struct buf line;
    struct imap_rows rows;
    const char *limit;    /* code of MESSAGELIMIT */
    uint64_t told, count; /* messages */
};

static void cleanup(struct imap_cmd *c)
{
    struct change_state *st = c->state;
    uidset_fini(&st->uids);
    uidset_fini(&st->changed);
    uidset_fini(&st->refused);
    buf_fini(&st->line);
}

/* store-modifiers = SP "(" "UNCHANGEDSINCE" SP mod-sequence-valzer ")"    RFC 7162 §7 */
static void modifiers(struct scan *s, struct change_state *st)
{
    if (!scan_try(s, '('))
        return;
    if (!scan_try_word(s, SPAN("UNCHANGEDSINCE ")))
        scan_fail(s, "Unknown STORE modifier");
    st->change.conditional = true;
    st->change.unchangedsince = scan_u64(s, "Expected a MODSEQ after UNCHANGEDSINCE");
    scan_byte(s, ')', "Expected ) after the modifiers");
    imap_parse_sp(s);
}

/* store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP (flag-list / (flag *(SP flag))) */
static void parse(struct imap_cmd *c, struct change_state *st)
{
    struct scan *s = &c->args;
    modifiers(s, st);
    st->change.how = scan_try(s, '+') ? FLAGS_ADD : scan_try(s, '-') ? FLAGS_REMOVE : FLAGS_REPLACE;
    if (!scan_try_word(s, SPAN("FLAGS")))
        scan_fail(s, "Expected FLAGS, +FLAGS or -FLAGS");
    st->silent = scan_try_word(s, SPAN(".SILENT"));
    imap_parse_sp(s);
    st->change.wanted = imap_parse_flags(s, c->arena);
    scan_end(s, "Something follows the flags");
}

static enum err apply(struct txn *t, struct store_op *op, struct fault *f)
{
    struct imap_cmd *c = imap_cmd_of_op(op);
    struct change_state *st = c->state;
    enum err e = imap_reach_flags(c->session, t, &st->change, f);
    if (e != ERR_OK)
        return e;
    return flags_store(t, c->session->view->mailbox, &st->uids, &st->change, &st->changed,
                       &st->refused, f);
}

/* "MODIFIED 7,9": sequence numbers, or UIDs for UID STORE */
static const char *modified_code(struct imap_cmd *c, struct change_state *st)
{
    struct uidset numbers = {0};
    struct buf text;
    buf_init(&text, IMAP_STORE_CODE_BYTES);
    buf_addz(&text, "MODIFIED ");
    if (c->uid) {
        uidset_text(&st->refused, &text);
    } else {
        for (uint32_t u = uidset_first(&st->refused); u != 0;
             u = u == UINT32_MAX ? 0 : uidset_next(&st->refused, u + 1)) {
            uint32_t n = uidset_rank(&c->session->view->uids, u);
            uidset_add(&numbers, n, n);
        }
        uidset_text(&numbers, &text);
    }
    const char *code = arena_cstr(c->arena, buf_span(&text));
    uidset_fini(&numbers);
    buf_fini(&text);
    return code;
}

static enum step finish(struct imap_cmd *c, struct change_state *st)
{
    bool refused = !uidset_empty(&st->refused);
    bool issued = st->rows.missing && !c->uid && !st->silent; /* RFC 2180 §4.2.3 */
    if (st->limit && (refused || issued))                     /* RFC 9738 §3.1 */
        imap_outf(c->session, "* NO [%s] Only the last of them\r\n", st->limit);
    if (refused)
        return imap_reply_ok(c, modified_code(c, st), "Conditional STORE failed for some messages");
    if (issued)
        return imap_reply_no(c, "EXPUNGEISSUED", "Some messages were expunged by another session");
    return imap_reply_ok(c, st->limit, "STORE completed");
}

/* One message's line. With .SILENT only those that somebody else has changed are told (RFC
 * 9051 §6.4.6), and the MODSEQ to a client that wants it (RFC 7162 §3.1.3). Those that UNCHANGEDSINCE
 * kept as they are the client would have to ask for. */
static void tell(struct imap_cmd *c, struct change_state *st, const struct msg *m)
{
    struct imap_session *s = c->session;
    struct imap_view *v = s->view;
    struct buf *out = &st->line;
    bool refused = uidset_has(&st->refused, m->uid);
    bool modseq = s->enabled & IMAP_CONDSTORE;
    bool flags = !st->silent || refused || uidset_has(&v->flagged, m->uid);
    uidset_remove(&v->flagged, m->uid, m->uid);
    if (!flags && !(modseq && uidset_has(&st->changed, m->uid)))
        return;
    buf_reset(out);
    imap_view_line(v, m->uid, out);
    if ((c->uid || modseq) && !(s->enabled & IMAP_UIDONLY))
        buf_addf(out, "UID %u ", m->uid);
    if (modseq) {
        buf_addf(out, "MODSEQ (%llu)%s", (unsigned long long)m->modseq, flags ? " " : "");
        imap_view_modseq_sent(v, m->modseq);
    }
    if (flags) {
        buf_addz(out, "FLAGS ");
        imap_out_flags_text(out, m->flags, m->keywords, v->keywords, v->keyword_count,
                            imap_view_recent(v, m->uid));
    }
    buf_addz(out, ")\r\n");
    imap_out(s, buf_span(out));
}

static enum err tell_slice(struct imap_cmd *c, struct change_state *st, struct txn *t,
                           struct fault *f)
{
    struct msg m;
    enum err e = ERR_OK;
    imap_rows_begin(&st->rows, t);
    while (e == ERR_OK && imap_rows_next(&st->rows, &m)) { /* one, however late in the turn */
        st->told++;
        e = imap_view_keywords_of(c->session->view, t, m.keywords, f);
        if (e == ERR_OK)
            tell(c, st, &m);
        if (imap_cmd_should_yield(c))
            break;
    }
    return imap_rows_end(&st->rows, e, f);
}

static enum step more(struct imap_cmd *c)
{
    struct change_state *st = c->state;
    struct fault f = FAULT_NONE;
    struct txn *t = NULL;
    enum err e = txn_read(c->session->options->store, &t, &f);
    if (e == ERR_OK)
        e = tell_slice(c, st, t, &f);
    txn_read_end(&t);
    if (e != ERR_OK)
        return imap_reply_err(c, e, &f);
    if (st->rows.next == 0)
        return finish(c, st);
    imap_progress(c, st->told, st->count);
    return STEP_MORE;
}

static enum step done(struct imap_cmd *c)
{
    struct change_state *st = c->state;
    struct imap_view *v = c->session->view;
    struct fault f = FAULT_NONE;
    if (c->op_result != ERR_OK)
        return imap_reply_err(c, c->op_result, &c->op.fault);
    struct txn *t = NULL;
    enum err e = imap_view_refresh(v, &f);
    if (e == ERR_OK)
        e = txn_read(c->session->options->store, &t, &f);
    if (e == ERR_OK && st->change.wanted.keyword_count > 0)
        e = imap_view_keywords(v, t, &f);
    txn_read_end(&t);
    if (e != ERR_OK)
        return imap_reply_err(c, e, &f);
    if (v->keyword_count != v->told_keywords) /* before the first use: RFC 9051 §7.3.5 */
        imap_view_tell_keywords(v);
    imap_rows_init(&st->rows, v->mailbox, &st->uids);
    c->more = more;
    return more(c);
}

enum step imap_store(struct imap_cmd *c)
{
    struct change_state *st = arena_new_of(c->arena, struct change_state);
    struct imap_set set = imap_parse_set(&c->args, c->arena);
    imap_parse_sp(&c->args);
    parse(c, st);
    if (!scan_ok(&c->args))
        return imap_reply_bad(c, c->args.why);
    buf_init(&st->line, IMAP_STORE_LINE_BYTES);
    c->state = st;
    c->cleanup = cleanup;
    if (!imap_view_resolve(c->session->view, &set, c->uid, &st->uids))
        return imap_reply_bad(c, "There is no message of that number");
    if (st->change.conditional)
        imap_condstore_on(c->session);
    if (uidset_empty(&st->uids))
        return imap_reply_ok(c, NULL, "STORE completed, there was nothing to change");
    st->limit = imap_limit_cut(c, &st->uids);
    st->count = uidset_count(&st->uids);
    return imap_cmd_submit(c, apply, done);
}
