#include "imapd/imap_fetch.h"
#include "common/log.h"
#include "common/must.h"
#include "imapd/imap_condstore.h"
#include "imapd/imap_limit.h"
#include "imapd/imap_parse.h"
#include "imapd/imap_progress.h"
#include "imapd/imap_rows.h"
#include "imapd/imap_since.h"
#include "imapd/imap_vanished.h"
#include "imapd/imap_verbs.h"
#include "store/outline_walk.h"

/* Room: FETCH, RFC 9051 §6.4.5 and §7.5.2. The messages are walked in slices; between two slices
 * only the next UID, the item within its message and the place within that item's bytes are
 * kept. */

#define FLUSH_BYTES (48u << 10)

struct fetch {
    struct fetch_items items;
    struct uidset asked;     /* as the client named them, also those that are not there */
    struct imap_since since; /* CHANGEDSINCE */
    size_t told;             /* ranges of since.gone */
    const char *limit;       /* code of MESSAGELIMIT */
    uint64_t sent, count;    /* messages */
    struct uidset uids;      /* wanted */
    struct uidset unseen;    /* of them: without \Seen until now */
    struct uidset seen;      /* \Seen was set by us: FLAGS are in the response, RFC 9051 §6.4.5 */
    struct imap_rows rows;
    /* the present message */
    bool in_message, between; /* a space is due before the next item */
    size_t item;
    struct msg msg;
    struct buf keywords;
    struct outline_walk outlines;
    struct buf record; /* of a message that goes on in the next turn */
    struct outline outline;
    /* its bytes that go out over several turns */
    bool following;
    struct fetch_bytes bytes;
    struct buf out;
};

static void cleanup(struct imap_cmd *c)
{
    struct fetch *st = c->state;
    uidset_fini(&st->asked);
    imap_since_fini(&st->since);
    uidset_fini(&st->uids);
    uidset_fini(&st->unseen);
    uidset_fini(&st->seen);
    buf_fini(&st->keywords);
    outline_walk_fini(&st->outlines);
    buf_fini(&st->record);
    buf_fini(&st->out);
}

static void flush(struct imap_cmd *c, struct fetch *st)
{
    imap_out(c->session, buf_span(&st->out));
    buf_reset(&st->out);
}

/* --- one message --- */

/* A keyword that another session has made since is told before it is used: RFC 9051 §7.3.5. */
static enum err new_keywords(struct imap_cmd *c, struct txn *t, struct fetch *st, struct fault *f)
{
    struct imap_view *v = c->session->view;
    size_t bit = v->keyword_count, bits = st->msg.keywords.n * 8;
    while (bit < bits && !flags_bit(st->msg.keywords, bit))
        bit++;
    enum err e = bit < bits ? imap_view_keywords(v, t, f) : ERR_OK;
    if (e == ERR_OK && v->keyword_count != v->told_keywords) {
        flush(c, st);
        imap_view_tell_keywords(v);
    }
    return e;
}

static enum err begin_message(struct imap_cmd *c, struct txn *t, struct fetch *st,
                              const struct msg *m, struct fault *f)
{
    struct imap_view *v = c->session->view;
    buf_reset(&st->keywords);
    buf_add(&st->keywords, m->keywords);
    st->msg = *m;
    st->msg.keywords = buf_span(&st->keywords);
    enum err e = new_keywords(c, t, st, f);
    if (e == ERR_OK && st->items.outline) {
        struct span record = SPAN("");
        e = outline_walk_get(&st->outlines, t, m->blob, &record, f);
        if (e == ERR_OK && !outline_open(record, &st->outline))
            e = fault_set(f, ERR_CORRUPT, "outline of body %llu", (unsigned long long)m->blob);
    }
    if (e != ERR_OK)
        return e;
    imap_view_line(v, m->uid, &st->out);
    st->in_message = true;
    st->between = false;
    st->item = 0;
    return ERR_OK;
}

static void row_item(struct imap_cmd *c, struct fetch *st, const struct fetch_item *item)
{
    if (st->between)
        buf_byte(&st->out, ' ');
    st->between = true;
    imap_fetch_row_item(c->session->view, &st->msg, &st->outline, item, c->arena, &st->out);
    if (item->kind == FETCH_MODSEQ)
        imap_view_modseq_sent(c->session->view, st->msg.modseq);
}

/* \Seen was set on the way: FLAGS, and to a client of CONDSTORE UID and MODSEQ as well, RFC 7162
 * §3.2.4 */
static void changed_items(struct imap_cmd *c, struct fetch *st)
{
    static const struct fetch_item uid = {.kind = FETCH_UID, .label = SPAN_ROW("UID")};
    static const struct fetch_item flags = {.kind = FETCH_FLAGS, .label = SPAN_ROW("FLAGS")};
    static const struct fetch_item modseq = {.kind = FETCH_MODSEQ, .label = SPAN_ROW("MODSEQ")};
    unsigned enabled = c->session->enabled;
    if ((enabled & IMAP_CONDSTORE) && !(enabled & IMAP_UIDONLY) && !st->items.uid)
        row_item(c, st, &uid);
    if (!st->items.flags)
        row_item(c, st, &flags);
    if ((enabled & IMAP_CONDSTORE) && !st->items.modseq)
        row_item(c, st, &modseq);
}

static void end_message(struct imap_cmd *c, struct fetch *st)
{
    bool changed = uidset_has(&st->seen, st->msg.uid);
    if (changed)
        changed_items(c, st);
    if (st->items.flags || changed) /* told: not news any more */
        uidset_remove(&c->session->view->flagged, st->msg.uid, st->msg.uid);
    buf_addz(&st->out, ")\r\n");
    st->in_message = false;
    st->sent++;
}

/* A literal holds no NUL (RFC 9051 §4.3.1), but a message that came as literal8 may: BODY[...] has 0x80 in its place. */
static void no_nul(struct fetch *st, size_t from)
{
    if (st->out.n == from)
        return;
    char *end = st->out.p + st->out.n, *p = st->out.p + from;
    while (p < end && (p = memchr(p, '\0', (size_t)(end - p))))
        *p++ = '\x80';
}

static enum err next_item(struct imap_cmd *c, struct txn *t, struct fetch *st, struct fault *f)
{
    if (st->item == st->items.n) {
        end_message(c, st);
        return ERR_OK;
    }
    const struct fetch_item *item = &st->items.list[st->item++];
    if (item->kind < FETCH_SECTION) {
        row_item(c, st, item);
        return ERR_OK;
    }
    if (st->between)
        buf_byte(&st->out, ' ');
    st->between = true;
    size_t before = st->out.n;
    enum err e =
        imap_fetch_body(t, &st->msg, &st->outline, item, &st->out, &st->bytes, &st->following, f);
    if (item->kind == FETCH_SECTION)
        no_nul(st, before);
    return e;
}

static enum err follow(struct txn *t, struct fetch *st, struct fault *f)
{
    size_t before = st->out.n;
    enum err e = imap_fetch_body_more(t, st->msg.blob, &st->bytes, &st->out, f);
    if (st->items.list[st->item - 1].kind == FETCH_SECTION)
        no_nul(st, before);
    st->following = st->bytes.at < st->bytes.end;
    return e;
}

/* --- the walk --- */

/* The last item looked into the body: the next one may wait for a turn of its own. */
static bool was_dear(const struct fetch *st)
{
    return st->item > 0 && st->items.list[st->item - 1].kind >= FETCH_SECTION;
}

/* The end of a slice: what the present message still needs of its outline is kept. */
static enum err rest(struct fetch *st, enum err so_far, struct fault *f)
{
    struct span record = st->outline.record;
    if (so_far == ERR_OK && st->in_message && st->items.outline && record.p != st->record.p) {
        buf_reset(&st->record);
        buf_add(&st->record, record);
        if (!outline_open(buf_span(&st->record), &st->outline))
            so_far = fault_set(f, ERR_CORRUPT, "an outline cannot be read again");
    }
    enum err e = outline_walk_rest(&st->outlines, so_far == ERR_OK ? f : NULL);
    return so_far == ERR_OK ? e : so_far;
}

static enum err slice(struct imap_cmd *c, struct txn *t, struct fetch *st, bool *done,
                      struct fault *f)
{
    struct msg row;
    enum err e = ERR_OK;
    imap_rows_begin(&st->rows, t);
    while (e == ERR_OK && !*done) {
        if (st->following)
            e = follow(t, st, f);
        else if (st->in_message)
            e = next_item(c, t, st, f);
        else if (!imap_rows_next(&st->rows, &row))
            *done = true;
        else if (!st->items.conditional || row.modseq > st->items.changedsince)
            e = begin_message(c, t, st, &row, f);
        if (st->out.n >= FLUSH_BYTES)
            flush(c, st);
        if (!st->in_message || was_dear(st) ? imap_cmd_should_yield(c)
                                            : !conn_has_room(c->session->conn))
            break;
    }
    e = rest(st, e, f);
    return imap_rows_end(&st->rows, e, f);
}

static enum step finish(struct imap_cmd *c, struct fetch *st)
{
    bool issued = st->rows.missing && !c->uid;
    if (issued && st->limit) /* RFC 9738 §3.1 */
        imap_outf(c->session, "* NO [%s] Only the last of them\r\n", st->limit);
    return issued
               ? imap_reply_ok(c, "EXPUNGEISSUED", "Some messages were expunged by another session")
               : imap_reply_ok(c, st->limit, "FETCH completed");
}

static enum step more(struct imap_cmd *c)
{
    struct fetch *st = c->state;
    struct fault f = FAULT_NONE;
    struct txn *t = NULL;
    bool done = false;
    enum err e = txn_read(c->session->options->store, &t, &f);
    if (e == ERR_OK)
        e = slice(c, t, st, &done, &f);
    txn_read_end(&t);
    /* A response stands half said: nothing true can follow. */
    if (e != ERR_OK && st->in_message && e != ERR_INVALID) {
        log_event(LOG_ERROR, c->session->id.text, "imap.fetch_broken", "uid=%u why=\"%s\"",
                  st->msg.uid, f.text);
        conn_drop(c->session->conn, "a message could not be read");
        return STEP_CLOSE;
    }
    /* BINARY of an unknown encoding: the line is ended without that item, RFC 3516 §4.3. */
    if (e == ERR_INVALID && st->in_message) {
        bool size = st->items.list[st->item - 1].kind == FETCH_BINARY_SIZE;
        buf_addz(&st->out, size ? " 0)\r\n" : " NIL)\r\n");
        flush(c, st);
        return imap_reply_no(c, "UNKNOWN-CTE", "The transfer encoding of a part is not known");
    }
    flush(c, st);
    if (e != ERR_OK)
        return imap_reply_err(c, e, &f);
    if (done)
        return finish(c, st);
    if (!st->in_message)
        imap_progress(c, st->sent, st->count);
    return STEP_MORE;
}

/* --- \Seen first: what is read counts as seen once that is on disk --- */

static enum err seen_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    struct imap_cmd *c = imap_cmd_of_op(op);
    struct fetch *st = c->state;
    struct uidset refused = {0};
    const struct flags_change change = {.how = FLAGS_ADD, .wanted = {.system = FLAGS_SEEN}};
    enum err e =
        flags_store(t, c->session->view->mailbox, &st->unseen, &change, &st->seen, &refused, f);
    uidset_fini(&refused);
    return e;
}

static enum step seen_done(struct imap_cmd *c)
{
    if (c->op_result != ERR_OK && c->op_result != ERR_FULL) /* on a full disk reading goes on, R6 */
        return imap_reply_err(c, c->op_result, &c->op.fault);
    struct fault f = FAULT_NONE;
    enum err e = imap_view_refresh(c->session->view, &f);
    if (e != ERR_OK)
        return imap_reply_err(c, e, &f);
    c->more = more;
    return more(c);
}

/* Which of them are not \Seen, in slices as well. */
static enum err unseen_slice(struct imap_cmd *c, struct fetch *st, bool *done, struct fault *f)
{
    struct txn *t = NULL;
    struct msg row;
    enum err e = txn_read(c->session->options->store, &t, f);
    if (e != ERR_OK)
        return e;
    imap_rows_begin(&st->rows, t);
    for (unsigned n = 1; n % 16 != 0 || !imap_cmd_should_yield(c); n++) {
        *done = !imap_rows_next(&st->rows, &row);
        if (*done)
            break;
        if (!(row.flags & FLAGS_SEEN))
            uidset_add(&st->unseen, row.uid, row.uid);
    }
    e = imap_rows_end(&st->rows, ERR_OK, f);
    txn_read_end(&t);
    return e;
}

static enum step unseen_more(struct imap_cmd *c)
{
    struct fetch *st = c->state;
    struct fault f = FAULT_NONE;
    bool done = false;
    enum err e = unseen_slice(c, st, &done, &f);
    if (e != ERR_OK)
        return imap_reply_err(c, e, &f);
    if (!done)
        return STEP_MORE;
    imap_rows_init(&st->rows, c->session->view->mailbox, &st->uids);
    if (!uidset_empty(&st->unseen))
        return imap_cmd_submit(c, seen_apply, seen_done);
    c->more = more;
    return more(c);
}

static enum step walk(struct imap_cmd *c, struct fetch *st)
{
    struct imap_view *v = c->session->view;
    st->count = uidset_count(&st->uids);
    imap_rows_init(&st->rows, v->mailbox, &st->uids);
    c->more = st->items.sets_seen && !v->read_only ? unseen_more : more;
    return c->more(c);
}

/* --- CHANGEDSINCE: the log of changes says which messages to look at --- */

static enum step vanished_more(struct imap_cmd *c)
{
    struct fetch *st = c->state;
    return imap_vanished_tell(c->session, &st->since.gone, true, &st->told) ? walk(c, st)
                                                                            : STEP_MORE;
}

static enum step since_more(struct imap_cmd *c)
{
    struct fetch *st = c->state;
    struct fault f = FAULT_NONE;
    enum err e = imap_since_slice(c, &st->since, &f);
    if (e != ERR_OK)
        return imap_reply_err(c, e, &f);
    if (!st->since.done)
        return STEP_MORE;
    if (!st->since.whole)
        uidset_intersect(&st->uids, &st->since.changed);
    uidset_intersect(&st->since.gone, &st->asked);
    if (!st->items.vanished)
        return walk(c, st);
    c->more = vanished_more;
    return vanished_more(c);
}

/* --- which messages --- */

/* The UIDs that a set names whether or not they are there; "*" counts as the largest there could be. */
static void asked(const struct imap_view *v, const struct imap_set *set, struct uidset *out)
{
    if (set->saved)
        uidset_copy(out, &v->saved);
    for (size_t i = 0; i < set->n; i++) {
        uint32_t a = set->ranges[i].first, b = set->ranges[i].last;
        a = a == IMAP_SET_STAR ? UINT32_MAX : a;
        b = b == IMAP_SET_STAR ? UINT32_MAX : b;
        uidset_add(out, a < b ? a : b, a < b ? b : a);
    }
}

/* PARTIAL: those of a place in the set, from either end. RFC 9394 §3.3 */
static void partial(const struct fetch_items *items, struct uidset *uids)
{
    uint32_t n = uidset_count(uids), from = items->partial_first, to = items->partial_last;
    if (from > n) {
        uidset_clear(uids);
        return;
    }
    to = to < n ? to : n;
    uint32_t first = uidset_nth(uids, items->from_end ? n - to + 1 : from);
    uint32_t last = uidset_nth(uids, items->from_end ? n - from + 1 : to);
    if (first > 1)
        uidset_remove(uids, 1, first - 1);
    if (last < UINT32_MAX)
        uidset_remove(uids, last + 1, UINT32_MAX);
}

static const char *modifiers_against(const struct imap_cmd *c, const struct fetch_items *items)
{
    if (items->vanished && !(c->session->enabled & IMAP_QRESYNC)) /* RFC 7162 §3.2.6 */
        return "QRESYNC must be enabled first";
    if (!c->uid && (items->vanished || items->partial_first))
        return "This modifier is one of UID FETCH";
    return NULL;
}

static struct fetch *begin(struct imap_cmd *c)
{
    struct fetch *st = arena_new_of(c->arena, struct fetch);
    uidset_init(&st->uids);
    uidset_init(&st->unseen);
    uidset_init(&st->seen);
    buf_init(&st->keywords, 1u << 20);
    outline_walk_init(&st->outlines);
    buf_init(&st->record, OUTLINE_RECORD_MAX);
    buf_init(&st->out, OUTLINE_RECORD_MAX + (8u << 20));
    c->state = st;
    c->cleanup = cleanup;
    return st;
}

enum step imap_fetch(struct imap_cmd *c)
{
    struct imap_session *s = c->session;
    struct fetch *st = begin(c);
    struct fetch_items *items = &st->items;
    struct imap_set set = imap_parse_set(&c->args, c->arena);
    unsigned max = s->options->limits.message_count;
    imap_parse_sp(&c->args);
    imap_fetch_parse(&c->args, c->arena, c->uid && !(s->enabled & IMAP_UIDONLY), items);
    if (!scan_ok(&c->args))
        return imap_reply_bad(c, c->args.why);
    const char *why = modifiers_against(c, items);
    if (why)
        return imap_reply_bad(c, why);
    if (!imap_view_resolve(s->view, &set, c->uid, &st->uids))
        return imap_reply_bad(c, "There is no message of that number");
    if (max && items->partial_first && items->partial_last - items->partial_first >= max)
        return imap_reply_no(c, imap_limit_refused(c), "PARTIAL asks for too many messages");
    if (items->partial_first)
        partial(items, &st->uids);
    st->limit = imap_limit_cut(c, &st->uids);
    if (items->modseq) /* RFC 7162 §3.1: it enables CONDSTORE */
        imap_condstore_on(s);
    if (!items->conditional)
        return walk(c, st);
    asked(s->view, &set, &st->asked);
    imap_since_init(&st->since, items->changedsince);
    c->more = since_more;
    return since_more(c);
}

/* --- messages that arrive --- */

void imap_fetch_news(struct imap_cmd *c, const struct fetch_items *items, const struct uidset *uids)
{
    struct fetch *st = begin(c);
    st->items = *items;
    uidset_copy(&st->uids, uids);
    imap_rows_init(&st->rows, c->session->view->mailbox, &st->uids);
}

enum err imap_fetch_news_more(struct imap_cmd *c, bool *done, bool *mid, struct fault *f)
{
    struct fetch *st = c->state;
    struct txn *t = NULL;
    if (!st->in_message && st->rows.next) { /* some may have been told to be gone since */
        uidset_intersect(&st->uids, &c->session->view->uids);
        st->rows.next = uidset_next(&st->uids, st->rows.next);
    }
    enum err e = txn_read(c->session->options->store, &t, f);
    if (e == ERR_OK)
        e = slice(c, t, st, done, f);
    txn_read_end(&t);
    if (e == ERR_INVALID && st->in_message) {
        bool size = st->items.list[st->item - 1].kind == FETCH_BINARY_SIZE;
        buf_addz(&st->out, size ? " 0)\r\n" : " NIL)\r\n");
        st->in_message = false;
        e = ERR_OK;
    }
    *mid = st->in_message;
    flush(c, st);
    return e;
}
