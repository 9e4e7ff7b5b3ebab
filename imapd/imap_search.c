#include "imapd/imap_search.h"
#include "imapd/imap_parse.h"
#include "imapd/imap_rows.h"
#include "imapd/imap_verbs.h"

/* Room: SEARCH and UID SEARCH, RFC 9051 §6.4.4: the rows in slices, the result in the form that
 * was asked for. */

struct search {
    struct search_program program;
    struct uidset candidates, found;
    struct imap_rows rows;
    struct search_message message;
    struct search_scan scan;
    struct msg row;
    struct buf keywords; /* of row, while its scan goes on */
    bool in_message;
    uint64_t modseq, first_modseq, last_modseq;
};

static void cleanup(struct imap_cmd *c)
{
    struct search *st = c->state;
    imap_search_parse_end(&st->program);
    imap_search_scan_fini(&st->scan);
    uidset_fini(&st->candidates);
    uidset_fini(&st->found);
    buf_fini(&st->message.record);
    buf_fini(&st->message.header);
    buf_fini(&st->keywords);
    arena_free(&st->message.arena);
}

/* --- the result --- */

/* Found messages as the client counts: UIDs, or sequence numbers. */
static void as_numbers(struct imap_cmd *c, struct search *st, struct uidset *out)
{
    uidset_init(out);
    if (c->uid) {
        uidset_copy(out, &st->found);
        return;
    }
    struct uidset *uids = &c->session->view->uids;
    /* Neighbours among the found need not be neighbours in the view. */
    for (size_t i = 0; i < st->found.n; i++) {
        for (uint32_t u = st->found.ranges[i].first;; u++) {
            uint32_t n = uidset_rank(uids, u);
            uidset_add(out, n, n);
            if (u == st->found.ranges[i].last)
                break;
        }
    }
}

/* RFC 7162 §3.1.5 and §3.1.6: with MIN or MAX alone the MODSEQ is that of the messages told. */
static uint64_t result_modseq(const struct search *st)
{
    unsigned r = st->program.returns & (SEARCH_MIN | SEARCH_MAX | SEARCH_COUNT | SEARCH_LIST);
    if (r == SEARCH_MIN)
        return st->first_modseq;
    if (r == SEARCH_MAX)
        return st->last_modseq;
    if (r == (SEARCH_MIN | SEARCH_MAX))
        return st->first_modseq > st->last_modseq ? st->first_modseq : st->last_modseq;
    return st->modseq;
}

/* esearch-response = "ESEARCH" [search-correlator] [SP "UID"] *(SP search-return-data)    RFC
 * 9051 §7.3.4 */
static void say_extended(struct imap_cmd *c, struct search *st, const struct uidset *numbers)
{
    struct imap_session *s = c->session;
    unsigned r = st->program.returns ? st->program.returns : SEARCH_LIST;
    bool any = !uidset_empty(numbers);
    imap_out(s, SPAN("* ESEARCH (TAG "));
    imap_out_string(s, c->tag);
    imap_outf(s, ")%s", c->uid ? " UID" : "");
    if ((r & SEARCH_MIN) && any)
        imap_outf(s, " MIN %u", uidset_first(numbers));
    if ((r & SEARCH_MAX) && any)
        imap_outf(s, " MAX %u", uidset_last(numbers));
    if (r & SEARCH_COUNT)
        imap_outf(s, " COUNT %u", uidset_count(numbers));
    if ((r & SEARCH_LIST) && any) {
        struct buf text;
        buf_init(&text, 16u << 20);
        uidset_text(numbers, &text);
        imap_out(s, SPAN(" ALL "));
        imap_out(s, buf_span(&text));
        buf_fini(&text);
    }
    if (st->program.modseq && any)
        imap_outf(s, " MODSEQ %llu", (unsigned long long)result_modseq(st));
    imap_out(s, SPAN("\r\n"));
}

/* mailbox-data =/ "SEARCH" *(SP nz-number) [SP search-sort-mod-seq]    RFC 3501 §7.2.5 */
static void say_plain(struct imap_cmd *c, struct search *st, const struct uidset *numbers)
{
    struct buf text;
    buf_init(&text, 48u << 20);
    buf_addz(&text, "* SEARCH");
    for (size_t i = 0; i < numbers->n; i++) {
        for (uint32_t n = numbers->ranges[i].first;; n++) {
            buf_byte(&text, ' ');
            buf_u64(&text, n);
            if (n == numbers->ranges[i].last)
                break;
        }
    }
    if (st->program.modseq && !uidset_empty(numbers))
        buf_addf(&text, " (MODSEQ %llu)", (unsigned long long)st->modseq);
    buf_addz(&text, "\r\n");
    imap_out(c->session, buf_span(&text));
    buf_fini(&text);
}

/* RFC 9051 §6.4.4.1: what "$" means from now on. With MIN and MAX alone it is only these. */
static void save(struct imap_cmd *c, struct search *st)
{
    struct uidset *saved = &c->session->view->saved;
    unsigned r = st->program.returns;
    if (r & (SEARCH_LIST | SEARCH_COUNT) || !(r & (SEARCH_MIN | SEARCH_MAX))) {
        uidset_copy(saved, &st->found);
        return;
    }
    uidset_clear(saved);
    uint32_t first = uidset_first(&st->found), last = uidset_last(&st->found);
    if ((r & SEARCH_MIN) && first)
        uidset_add(saved, first, first);
    if ((r & SEARCH_MAX) && last)
        uidset_add(saved, last, last);
}

/* A NO with SAVE leaves "$" empty: RFC 9051 §6.4.4.1. */
static void forget(struct imap_cmd *c, const struct search *st)
{
    if (st->program.returns & SEARCH_SAVE)
        uidset_clear(&c->session->view->saved);
}

static enum step finish(struct imap_cmd *c, struct search *st)
{
    struct uidset numbers;
    as_numbers(c, st, &numbers);
    if (st->program.returns & SEARCH_SAVE)
        save(c, st);
    if (st->program.returns == SEARCH_SAVE) /* nothing is told, RFC 9051 §6.4.4.1 */
        ;
    else if (st->program.extended || (c->session->enabled & IMAP_REV2))
        say_extended(c, st, &numbers);
    else
        say_plain(c, st, &numbers);
    uidset_fini(&numbers);
    return imap_reply_ok(c, NULL, "SEARCH completed");
}

/* --- the walk --- */

static void begin_message(struct search *st, const struct msg *row)
{
    struct search_message *m = &st->message;
    arena_reset(m->arena);
    buf_reset(&st->keywords);
    buf_add(&st->keywords, row->keywords);
    st->row = *row;
    st->row.keywords = buf_span(&st->keywords);
    m->msg = &st->row;
    m->have_outline = m->have_header = false;
    for (unsigned i = 0; i < st->program.scans; i++)
        m->scanned[i] = SEARCH_NEEDS_SCAN;
    st->in_message = true;
}

static void note_found(struct search *st)
{
    uidset_add(&st->found, st->row.uid, st->row.uid);
    st->last_modseq = st->row.modseq;
    if (uidset_count(&st->found) == 1)
        st->first_modseq = st->row.modseq;
    if (st->row.modseq > st->modseq)
        st->modseq = st->row.modseq;
}

/* One bounded step of the present message. */
static void step_message(struct search *st)
{
    struct search_message *m = &st->message;
    if (st->scan.running) {
        unsigned i = st->scan.key->scan;
        m->scanned[i] = imap_search_scan_more(&st->scan, m);
        return;
    }
    unsigned scan = 0;
    enum search_answer answer = imap_search_match(m, st->program.keys, &scan);
    if (answer == SEARCH_NEEDS_SCAN) {
        imap_search_scan_begin(&st->scan, st->program.scan_keys[scan]);
        return;
    }
    if (answer == SEARCH_YES && m->err == ERR_OK)
        note_found(st);
    st->in_message = false;
}

static enum err slice(struct imap_cmd *c, struct search *st, struct txn *t, bool *done,
                      struct fault *f)
{
    struct msg row;
    st->message.t = t;
    imap_rows_begin(&st->rows, t);
    for (unsigned n = 0; !*done && st->message.err == ERR_OK; n++) {
        if (st->in_message)
            step_message(st);
        else if (imap_rows_next(&st->rows, &row))
            begin_message(st, &row);
        else
            *done = true;
        if ((st->in_message || n % 16 == 0) && imap_cmd_should_yield(c))
            break;
    }
    if (st->message.err != ERR_OK)
        *f = st->message.fault;
    return imap_rows_end(&st->rows, st->message.err, f);
}

static enum step more(struct imap_cmd *c)
{
    struct search *st = c->state;
    struct fault f = FAULT_NONE;
    struct txn *t = NULL;
    bool done = false;
    enum err e = txn_read(c->session->options->store, &t, &f);
    if (e == ERR_OK && st->program.keyword && st->rows.next == uidset_first(&st->candidates))
        e = imap_view_keywords(c->session->view, t, &f); /* another session may have made one */
    if (e == ERR_OK)
        e = slice(c, st, t, &done, &f);
    txn_read_end(&t);
    if (e != ERR_OK) {
        forget(c, st);
        return imap_reply_err(c, e, &f);
    }
    return done ? finish(c, st) : STEP_MORE;
}

/* Sets that every result must be in make the walk as short as they are. */
static void narrow(struct search *st, const struct imap_view *v)
{
    uidset_copy(&st->candidates, &v->uids);
    for (const struct search_key *k = st->program.keys; k; k = k->next)
        if (k->kind == SEARCH_SET && !k->negated)
            uidset_intersect(&st->candidates, k->uids);
}

enum step imap_search(struct imap_cmd *c)
{
    struct imap_view *v = c->session->view;
    struct search *st = arena_new_of(c->arena, struct search);
    st->message.arena = arena_new();
    st->message.view = v;
    buf_init(&st->message.record, OUTLINE_RECORD_MAX);
    buf_init(&st->message.header, 4u << 20);
    buf_init(&st->keywords, 1u << 20);
    imap_search_scan_init(&st->scan);
    c->state = st;
    c->cleanup = cleanup;
    imap_search_parse(&c->args, c->arena, v, &st->program);
    if (!scan_ok(&c->args))
        return imap_reply_bad(c, c->args.why);
    if (st->program.bad_charset) {
        forget(c, st);
        return imap_reply_no(c, "BADCHARSET (UTF-8 US-ASCII ISO-8859-1 WINDOWS-1252)",
                             "That charset is not known");
    }
    if (st->program.modseq)
        c->session->enabled |= IMAP_CONDSTORE;
    narrow(st, v);
    imap_rows_init(&st->rows, v->mailbox, &st->candidates);
    c->more = more;
    return more(c);
}
