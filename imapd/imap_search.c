#include "imapd/imap_search_return.h"
#include "imapd/imap_condstore.h"
#include "imapd/imap_context.h"
#include "imapd/imap_parse.h"
#include "imapd/imap_progress.h"
#include "imapd/imap_verbs.h"

/* Room: SEARCH and UID SEARCH, RFC 9051 §6.4.4: the rows in slices, the result in the form that
 * was asked for. */

#define NUMBER_BYTES 12        /* more than the digits of a UID and one more */
#define DATA_BYTES (48u << 20) /* of a result: every message of a large mailbox */

struct search {
    struct search_program program;
    struct imap_find find;
};

static void cleanup(struct imap_cmd *c)
{
    struct search *st = c->state;
    imap_search_parse_end(&st->program);
    imap_find_fini(&st->find);
}

/* --- the result --- */

/* Found messages as the client counts: UIDs, or sequence numbers. */
static void as_numbers(struct imap_cmd *c, struct search *st, struct uidset *out)
{
    uidset_init(out);
    if (c->uid) {
        uidset_copy(out, &st->find.found);
        return;
    }
    /* All of a range are in the view, so that their numbers are neighbours too. */
    for (size_t i = 0; i < st->find.found.n; i++) {
        const struct uidset_range *r = &st->find.found.ranges[i];
        uint32_t n = uidset_rank(&c->session->view->uids, r->first);
        uidset_add(out, n, n + (r->last - r->first));
    }
}

/* esearch-response = "ESEARCH" [search-correlator] [SP "UID"] *(SP search-return-data)    RFC
 * 9051 §7.3.4 */
static void say_extended(struct imap_cmd *c, struct search *st, const struct uidset *numbers)
{
    struct imap_session *s = c->session;
    struct buf data;
    buf_init(&data, DATA_BYTES);
    imap_search_return_data(&st->program, &st->find, numbers, &data);
    imap_out(s, SPAN("* ESEARCH (TAG "));
    imap_out_string(s, c->tag);
    imap_outf(s, ")%s", c->uid ? " UID" : "");
    imap_out(s, buf_span(&data));
    imap_out(s, SPAN("\r\n"));
    buf_fini(&data);
}

/* The number behind the one in digits, which end at end; returns where it begins now. */
static char *count_on(char *first, char *end)
{
    char *p = end;
    while (p > first && *--p == '9')
        *p = '0';
    if (p == first && *p == '0') {
        *--first = '1';
        return first;
    }
    ++*p;
    return first;
}

/* " 7 8 9": neighbours differ in little, and a large mailbox has many. */
static void add_range(struct buf *text, const struct uidset_range *r)
{
    char digits[NUMBER_BYTES];
    char *end = digits + sizeof digits;
    char *first = end;
    for (uint32_t n = r->first; n > 0; n /= 10)
        *--first = (char)('0' + n % 10);
    for (uint32_t n = r->first;; n++) {
        buf_byte(text, ' ');
        buf_add(text, span_of(first, (size_t)(end - first)));
        if (n == r->last)
            break;
        first = count_on(first, end);
    }
}

/* mailbox-data =/ "SEARCH" *(SP nz-number) [SP search-sort-mod-seq]    RFC 3501 §7.2.5 */
static void say_plain(struct imap_cmd *c, struct search *st, const struct uidset *numbers)
{
    struct buf text;
    buf_init(&text, DATA_BYTES);
    buf_addz(&text, "* SEARCH");
    for (size_t i = 0; i < numbers->n; i++)
        add_range(&text, &numbers->ranges[i]);
    if (st->program.modseq && !uidset_empty(numbers))
        buf_addf(&text, " (MODSEQ %llu)", (unsigned long long)st->find.modseq);
    buf_addz(&text, "\r\n");
    imap_out(c->session, buf_span(&text));
    buf_fini(&text);
}

/* A NO with SAVE leaves "$" empty: RFC 9051 §6.4.4.1. */
static void forget(struct imap_cmd *c, const struct search *st)
{
    if (st->program.returns & SEARCH_SAVE)
        uidset_clear(&c->session->view->saved);
}

static enum step finish(struct imap_cmd *c)
{
    struct search *st = c->state;
    struct uidset numbers;
    as_numbers(c, st, &numbers);
    if (st->program.returns & SEARCH_UPDATE)
        imap_context_begin(c, &st->find.found, NULL, 0, false);
    if (st->program.returns & SEARCH_SAVE)
        imap_search_return_saved(&st->program, &st->find.found, &c->session->view->saved);
    if (st->program.returns == SEARCH_SAVE) /* nothing is told, RFC 9051 §6.4.4.1 */
        ;
    else if (st->program.extended || (c->session->enabled & IMAP_REV2))
        say_extended(c, st, &numbers);
    else
        say_plain(c, st, &numbers);
    uidset_fini(&numbers);
    return imap_reply_ok(c, NULL, "SEARCH completed");
}

static enum step more(struct imap_cmd *c)
{
    struct search *st = c->state;
    struct fault f = FAULT_NONE;
    bool done;
    enum err e = imap_find_more(&st->find, &done, &f);
    if (e != ERR_OK) {
        forget(c, st);
        return imap_reply_err(c, e, &f);
    }
    imap_progress_find(c, &st->find);
    if (!done)
        return STEP_MORE;
    c->more = finish; /* the result of a large mailbox takes a part of a slice */
    return imap_cmd_should_yield(c) ? STEP_MORE : finish(c);
}

enum step imap_search(struct imap_cmd *c)
{
    struct imap_view *v = c->session->view;
    struct search *st = arena_new_of(c->arena, struct search);
    c->state = st;
    c->cleanup = cleanup;
    imap_search_parse(&c->args, c->arena, v, &st->program);
    if (!scan_ok(&c->args))
        return imap_reply_bad(c, c->args.why);
    const char *why = imap_search_parse_against(c->session, &st->program);
    if (!why && (st->program.returns & SEARCH_UPDATE) && imap_context_has(v, c->tag))
        why = "That tag is in use for updates"; /* RFC 5267 §4.3 */
    if (why)
        return imap_reply_bad(c, why);
    if (st->program.bad_charset) {
        forget(c, st);
        return imap_search_return_bad_charset(c);
    }
    if (st->program.modseq)
        imap_condstore_on(c->session);
    imap_find_init(&st->find, c->session, &st->program, v->mailbox, &v->uids);
    c->more = more;
    return more(c);
}
