#include "imapd/imap_fetch.h"
#include "common/log.h"
#include "common/must.h"
#include "imapd/imap_parse.h"
#include "imapd/imap_rows.h"
#include "imapd/imap_verbs.h"
#include "store/blob.h"

/* Room: FETCH, RFC 9051 §6.4.5 and §7.5.2. The messages are walked in slices; between two slices
 * only the next UID, the item within its message and the place within that item's bytes are
 * kept. */

#define FLUSH_BYTES (48u << 10)

struct fetch {
    struct fetch_items items;
    struct uidset uids;   /* wanted */
    struct uidset unseen; /* of them: without \Seen until now */
    struct uidset seen;   /* \Seen was set by us: FLAGS are in the response, RFC 9051 §6.4.5 */
    struct imap_rows rows;
    /* the present message */
    bool in_message, between; /* a space is due before the next item */
    size_t item;
    struct msg msg;
    struct buf keywords, record;
    struct outline outline;
    /* its bytes that go out over several turns */
    bool following;
    struct fetch_bytes bytes;
    struct buf out;
};

static void cleanup(struct imap_cmd *c)
{
    struct fetch *st = c->state;
    uidset_fini(&st->uids);
    uidset_fini(&st->unseen);
    uidset_fini(&st->seen);
    buf_fini(&st->keywords);
    buf_fini(&st->record);
    buf_fini(&st->out);
}

static void flush(struct imap_cmd *c, struct fetch *st)
{
    imap_out(c->session, buf_span(&st->out));
    buf_reset(&st->out);
}

/* --- items of the row --- */

/* A text from the outline: into the buffer if it fits, else out by itself, however large it is. */
static void prepared(struct imap_cmd *c, struct fetch *st, struct span text)
{
    if (text.n < FLUSH_BYTES) {
        buf_add(&st->out, text);
    } else {
        flush(c, st);
        imap_out(c->session, text);
    }
}

static enum err row_item(struct imap_cmd *c, struct fetch *st, const struct fetch_item *item)
{
    struct buf *out = &st->out;
    const struct imap_view *v = c->session->view;
    const struct msg *m = &st->msg;
    char date[DATE_IMAP_BYTES];
    buf_add(out, item->label);
    buf_byte(out, ' ');
    switch (item->kind) {
    case FETCH_UID:
        buf_u64(out, m->uid);
        break;
    case FETCH_FLAGS:
        imap_out_flags_text(out, m->flags, m->keywords, v->keywords, v->keyword_count,
                            imap_view_recent(v, m->uid));
        break;
    case FETCH_INTERNALDATE:
        date_imap_format(m->internal, date);
        buf_addf(out, "\"%.*s\"", DATE_IMAP_BYTES, date);
        break;
    case FETCH_SIZE:
        buf_u64(out, m->bytes);
        break;
    case FETCH_MODSEQ:
        buf_addf(out, "(%llu)", (unsigned long long)m->modseq);
        break;
    case FETCH_ENVELOPE:
        prepared(c, st, st->outline.envelope);
        break;
    case FETCH_BODYSTRUCTURE:
        prepared(c, st, st->outline.bodystructure);
        break;
    case FETCH_BODY:
        prepared(c, st, outline_body(&st->outline, c->arena));
        break;
    case FETCH_SECTION:
    case FETCH_BINARY:
    case FETCH_BINARY_SIZE:
        must(!"a body item is no row item");
    }
    return ERR_OK;
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
        e = blob_outline(t, m->blob, &st->record, f);
        if (e == ERR_OK && !outline_open(buf_span(&st->record), &st->outline))
            e = fault_set(f, ERR_CORRUPT, "outline of body %llu", (unsigned long long)m->blob);
    }
    if (e != ERR_OK)
        return e;
    buf_addf(&st->out, "* %u FETCH (", uidset_rank(&v->uids, m->uid));
    st->in_message = true;
    st->between = false;
    st->item = 0;
    return ERR_OK;
}

static void end_message(struct imap_cmd *c, struct fetch *st)
{
    static const struct fetch_item flags = {.kind = FETCH_FLAGS, .label = SPAN_ROW("FLAGS")};
    static const struct fetch_item modseq = {.kind = FETCH_MODSEQ, .label = SPAN_ROW("MODSEQ")};
    bool changed = uidset_has(&st->seen, st->msg.uid);
    if (changed && !st->items.flags) {
        buf_addz(&st->out, st->between ? " " : "");
        row_item(c, st, &flags);
    }
    if (changed && !st->items.modseq &&
        (c->session->enabled & IMAP_CONDSTORE)) { /* RFC 7162 §3.1 */
        buf_byte(&st->out, ' ');
        row_item(c, st, &modseq);
    }
    if (st->items.flags || changed) /* told: not news any more */
        uidset_remove(&c->session->view->flagged, st->msg.uid, st->msg.uid);
    buf_addz(&st->out, ")\r\n");
    st->in_message = false;
}

static enum err next_item(struct imap_cmd *c, struct txn *t, struct fetch *st, struct fault *f)
{
    if (st->item == st->items.n) {
        end_message(c, st);
        return ERR_OK;
    }
    const struct fetch_item *item = &st->items.list[st->item++];
    if (st->between)
        buf_byte(&st->out, ' ');
    st->between = true;
    if (item->kind < FETCH_SECTION)
        return row_item(c, st, item);
    if (item->field_count > 0) /* its value may be large: it comes in one piece */
        flush(c, st);
    return imap_fetch_body(t, &st->msg, &st->outline, item, &st->out, &st->bytes, &st->following,
                           f);
}

static enum err follow(struct txn *t, struct fetch *st, struct fault *f)
{
    enum err e = imap_fetch_body_more(t, st->msg.blob, &st->bytes, &st->out, f);
    st->following = st->bytes.at < st->bytes.end;
    return e;
}

/* --- the walk --- */

/* The last item looked into the body: the next one may wait for a turn of its own. */
static bool was_dear(const struct fetch *st)
{
    return st->item > 0 && st->items.list[st->item - 1].kind >= FETCH_SECTION;
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
    return imap_rows_end(&st->rows, e, f);
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
    if (!done)
        return STEP_MORE;
    return st->rows.missing && !c->uid
               ? imap_reply_ok(c, "EXPUNGEISSUED", "Some messages were expunged by another session")
               : imap_reply_ok(c, NULL, "FETCH completed");
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

enum step imap_fetch(struct imap_cmd *c)
{
    struct imap_view *v = c->session->view;
    struct fetch *st = arena_new_of(c->arena, struct fetch);
    struct imap_set set = imap_parse_set(&c->args, c->arena);
    imap_parse_sp(&c->args);
    imap_fetch_parse(&c->args, c->arena, c->uid, &st->items);
    if (!scan_ok(&c->args))
        return imap_reply_bad(c, c->args.why);
    uidset_init(&st->uids);
    uidset_init(&st->unseen);
    uidset_init(&st->seen);
    buf_init(&st->keywords, 1u << 20);
    buf_init(&st->record, OUTLINE_RECORD_MAX);
    buf_init(&st->out, 8u << 20);
    c->state = st;
    c->cleanup = cleanup;
    if (!imap_view_resolve(v, &set, c->uid, &st->uids))
        return imap_reply_bad(c, "There is no message of that number");
    for (size_t i = 0; i < st->items.n; i++)
        if (st->items.list[i].kind == FETCH_MODSEQ) /* RFC 7162 §3.1: it enables CONDSTORE */
            c->session->enabled |= IMAP_CONDSTORE;
    imap_rows_init(&st->rows, v->mailbox, &st->uids);
    bool looks = st->items.sets_seen && !v->read_only;
    c->more = looks ? unseen_more : more;
    return c->more(c);
}
