#include "common/mem.h"
#include "imapd/imap_condstore.h"
#include "imapd/imap_context.h"
#include "imapd/imap_parse.h"
#include "imapd/imap_progress.h"
#include "imapd/imap_search_return.h"
#include "imapd/imap_sort_keys.h"
#include "imapd/imap_verbs.h"
#include "imapd/imapd_home.h"

/* Room: SORT and UID SORT, RFC 5256 §3, with the return options of RFC 5267 §3.1: the messages are found, their keys are
 * read and merged, each in slices; then the result is told. */

#define MANY_COUNT 10000          /* messages */
#define STEPS 4096                /* moves of the merge between two looks at the clock */
#define TEXT_BYTES (32u << 20)    /* of a helping with all scores */
#define HELPING_BYTES (32u << 10) /* of the response between two such looks */

struct sort {
    struct search_program program;
    struct imap_sort_criteria criteria;
    struct imap_find find;
    struct imap_sort_rows rows;
    struct imap_sort_keys keys;
    struct imap_sort_merge merge;
    uint32_t *order; /* the UIDs of the result */
    size_t n;
    bool extended;          /* ESEARCH is told */
    size_t from, told, end; /* begins here;  of the result: said so far, and up to here */
    struct buf text;
};

static void cleanup(struct imap_cmd *c)
{
    struct sort *st = c->state;
    imap_search_parse_end(&st->program);
    imap_find_fini(&st->find);
    imap_sort_rows_fini(&st->rows);
    imap_sort_keys_fini(&st->keys);
    imap_sort_merge_fini(&st->merge);
    mem_free(st->order);
    buf_fini(&st->text);
}

/* A NO with SAVE leaves "$" empty: RFC 9051 §6.4.4.1. */
static void forget(struct imap_cmd *c, const struct sort *st)
{
    if (st->program.returns & SEARCH_SAVE)
        uidset_clear(&c->session->view->saved);
}

static enum step failed(struct imap_cmd *c, enum err e, const struct fault *f)
{
    forget(c, c->state);
    return imap_reply_err(c, e, f);
}

/* With a step that may take a good part of a slice: of many messages in a turn of its own. */
static enum step go_on(struct imap_cmd *c, imap_step_fn *next)
{
    const struct sort *st = c->state;
    c->more = next;
    return uidset_count(&st->find.found) > MANY_COUNT || imap_cmd_should_yield(c) ? STEP_MORE
                                                                                  : next(c);
}

/* --- the result --- */

static uint32_t uid_at(const struct sort *st, size_t nth)
{
    return st->order[nth];
}

/* 1 to 100, RFC 6203 §4 */
static uint8_t score_of(struct sort *st, uint32_t uid)
{
    size_t at = uidset_rank(&st->find.found, uid);
    return at > 0 && at <= st->find.scores.n ? (uint8_t)st->find.scores.p[at - 1] : 100;
}

/* As the client counts. */
static uint32_t number_at(struct imap_cmd *c, const struct sort *st, size_t nth)
{
    uint32_t uid = uid_at(st, nth);
    return c->uid ? uid : uidset_rank(&c->session->view->uids, uid);
}

/* The next of a sequence-set that keeps the order of the result: only what rises by one is a range, RFC 5267 §3.2. */
static void say_range(struct imap_cmd *c, struct sort *st)
{
    uint32_t first = number_at(c, st, st->told++), last = first;
    while (st->told < st->end && number_at(c, st, st->told) == last + 1) {
        last++;
        st->told++;
    }
    buf_u64(&st->text, first);
    if (last > first) {
        buf_byte(&st->text, ':');
        buf_u64(&st->text, last);
    }
}

/* sort-data = "SORT" *(SP nz-number), or the sequence-set of ALL and PARTIAL: a helping of it. */
static void say_numbers(struct imap_cmd *c, struct sort *st)
{
    while (st->told < st->end && st->text.n < HELPING_BYTES) {
        if (st->extended) {
            say_range(c, st);
            if (st->told < st->end)
                buf_byte(&st->text, ',');
        } else {
            buf_byte(&st->text, ' ');
            buf_u64(&st->text, number_at(c, st, st->told++));
        }
    }
}

/* ret-data-partial = "PARTIAL" SP "(" partial-range SP partial-results ")"    RFC 9394 §4: up to the results. */
static void say_partial(struct sort *st)
{
    const struct search_partial *p = &st->program.partial;
    buf_addz(&st->text, " PARTIAL (");
    imap_search_return_range(p, &st->text);
    buf_byte(&st->text, ' ');
    if (st->told == st->end)
        buf_addz(&st->text, "NIL");
}

/* Which of the result are told: all, a part of it, or none. */
static void choose(struct sort *st)
{
    const struct search_partial *p = &st->program.partial;
    size_t n = st->n;
    unsigned r = st->program.returns;
    if (r & SEARCH_PARTIAL) {
        size_t from = p->first - 1, to = p->last; /* counted from the start, or from the end */
        if (from > n)
            from = n;
        if (to > n)
            to = n;
        st->told = p->backwards ? n - to : from;
        st->end = p->backwards ? n - from : to;
    } else if (!st->program.extended || (r & SEARCH_LIST)) {
        st->end = n;
    }
    st->from = st->told;
}

/* esearch-response up to the numbers. */
static void say_extended(struct imap_cmd *c, struct sort *st)
{
    unsigned r = st->program.returns;
    size_t n = st->n;
    imap_out(c->session, SPAN("* ESEARCH (TAG "));
    imap_out_string(c->session, c->tag);
    buf_addz(&st->text, c->uid ? ") UID" : ")");
    if ((r & SEARCH_MIN) && n > 0)
        buf_addf(&st->text, " MIN %u", number_at(c, st, 0));
    if ((r & SEARCH_MAX) && n > 0)
        buf_addf(&st->text, " MAX %u", number_at(c, st, n - 1));
    if (r & SEARCH_COUNT)
        buf_addf(&st->text, " COUNT %zu", n);
    if (r & SEARCH_PARTIAL)
        say_partial(st);
    else if ((r & SEARCH_LIST) && n > 0)
        buf_addz(&st->text, " ALL ");
}

/* Of the results that are told, or of all where none are: RFC 6203 §5. */
static void say_scores(struct sort *st)
{
    bool part = (st->program.returns & (SEARCH_PARTIAL | SEARCH_LIST)) != 0;
    size_t from = part ? st->from : 0, end = part ? st->end : st->n;
    buf_addz(&st->text, " RELEVANCY (");
    for (size_t i = from; i < end; i++)
        buf_addf(&st->text, "%s%u", i > from ? " " : "", score_of(st, uid_at(st, i)));
    buf_byte(&st->text, ')');
}

/* Or a smaller one, if it is gone meanwhile. */
static uint64_t modseq_at(struct imap_cmd *c, const struct sort *st, size_t nth)
{
    struct fault f = FAULT_NONE;
    struct txn *t = NULL;
    struct msg m = {0};
    enum err e = txn_read(c->session->options->store, &t, &f);
    if (e == ERR_OK)
        e = msg_get(t, c->arena, c->session->view->mailbox, uid_at(st, nth), &m, &f);
    txn_read_end(&t);
    return e == ERR_OK ? m.modseq : 1;
}

/* RFC 7162 §3.1.10 with RFC 4731 §3.2: of MIN or MAX alone that of the messages told; else the highest of all, to which the
 * order of a SORT makes no difference. */
static uint64_t modseq_of(struct imap_cmd *c, const struct sort *st)
{
    unsigned r = st->program.returns &
                 (SEARCH_MIN | SEARCH_MAX | SEARCH_COUNT | SEARCH_LIST | SEARCH_PARTIAL);
    if (r == 0 || r & ~(unsigned)(SEARCH_MIN | SEARCH_MAX))
        return st->find.modseq;
    uint64_t first = r & SEARCH_MIN ? modseq_at(c, st, 0) : 1;
    uint64_t last = r & SEARCH_MAX ? modseq_at(c, st, st->n - 1) : 1;
    return first > last ? first : last;
}

static void say_end(struct imap_cmd *c, struct sort *st)
{
    if (st->program.returns & SEARCH_PARTIAL)
        buf_byte(&st->text, ')');
    if ((st->program.returns & SEARCH_RELEVANCY) && st->n > 0)
        say_scores(st);
    if (st->program.modseq && st->n > 0)
        buf_addf(&st->text, st->extended ? " MODSEQ %llu" : " (MODSEQ %llu)",
                 (unsigned long long)modseq_of(c, st));
    buf_addz(&st->text, "\r\n");
    imap_out(c->session, buf_span(&st->text));
}

static enum step more_text(struct imap_cmd *c)
{
    struct sort *st = c->state;
    while (st->told < st->end) {
        say_numbers(c, st);
        imap_out(c->session, buf_span(&st->text));
        buf_reset(&st->text);
        if (st->told < st->end && imap_cmd_should_yield(c))
            return STEP_MORE;
    }
    say_end(c, st);
    return imap_reply_ok(c, NULL, "SORT completed");
}

/* Some of the result, added in the order of the mailbox, so that adding stays cheap. */
static void add_part(struct sort *st, size_t from, size_t end, struct uidset *out)
{
    uint32_t found = uidset_count(&st->find.found);
    bool *chosen = mem_zalloc(found + 1);
    for (size_t i = from; i < end; i++)
        chosen[uidset_rank(&st->find.found, uid_at(st, i))] = true;
    for (uint32_t i = 1; i <= found; i++) {
        uint32_t uid = chosen[i] ? uidset_nth(&st->find.found, i) : 0;
        if (uid)
            uidset_add(out, uid, uid);
    }
    mem_free(chosen);
}

/* What "$" means from now on, RFC 9051 §6.4.4.1: with MIN and MAX alone it is only these, with PARTIAL what is told. */
static void save(struct imap_cmd *c, struct sort *st)
{
    struct uidset *saved = &c->session->view->saved;
    unsigned r = st->program.returns;
    if (!(r & SEARCH_PARTIAL) &&
        (r & (SEARCH_LIST | SEARCH_COUNT) || !(r & (SEARCH_MIN | SEARCH_MAX)))) {
        uidset_copy(saved, &st->find.found);
        return;
    }
    uidset_clear(saved);
    if ((r & SEARCH_MIN) && st->n > 0)
        uidset_add(saved, uid_at(st, 0), uid_at(st, 0));
    if (r & SEARCH_PARTIAL)
        add_part(st, st->told, st->end, saved);
    if ((r & SEARCH_MAX) && st->n > 0)
        uidset_add(saved, uid_at(st, st->n - 1), uid_at(st, st->n - 1));
}

static void begin_updates(struct imap_cmd *c, struct sort *st)
{
    struct uidset found = {0}; /* without those that went meanwhile */
    if (st->n == uidset_count(&st->find.found))
        uidset_copy(&found, &st->find.found);
    else
        add_part(st, 0, st->n, &found);
    imap_context_begin(c, &found, st->order, st->n, st->criteria.relevancy);
    uidset_fini(&found);
}

static enum step tell(struct imap_cmd *c)
{
    struct sort *st = c->state;
    if (st->program.returns == SEARCH_SAVE) /* nothing is told, RFC 9051 §6.4.4.1 */
        return imap_reply_ok(c, NULL, "SORT completed");
    buf_init(&st->text, TEXT_BYTES);
    st->extended = st->program.extended;
    if (st->extended)
        say_extended(c, st);
    else
        buf_addz(&st->text, "* SORT");
    c->more = more_text;
    return more_text(c);
}

/* What is kept of a result of a large mailbox takes a part of a slice each. */
static enum step keep_saved(struct imap_cmd *c)
{
    struct sort *st = c->state;
    if (st->program.returns & SEARCH_SAVE)
        save(c, st);
    c->more = tell;
    return imap_cmd_should_yield(c) ? STEP_MORE : tell(c);
}

static enum step keep_updates(struct imap_cmd *c)
{
    struct sort *st = c->state;
    choose(st);
    if (st->program.returns & SEARCH_UPDATE)
        begin_updates(c, st);
    return go_on(c, keep_saved);
}

/* --- the order --- */

static enum step more_merge(struct imap_cmd *c)
{
    struct sort *st = c->state;
    while (!imap_sort_merge_step(&st->merge, STEPS)) {
        if (imap_cmd_should_yield(c))
            return STEP_MORE;
    }
    st->n = st->rows.n;
    for (size_t i = 0; i < st->n; i++)
        st->order[i] = st->rows.list[st->merge.items[i].nth].uid;
    imap_sort_cache_put(&c->session->home->sorted, c->session->view->mailbox, &st->criteria,
                        st->order, st->n);
    return go_on(c, keep_updates);
}

static void begin_keys(void *arg, size_t n)
{
    struct sort *st = arg;
    imap_sort_keys_init(&st->keys, &st->criteria, n);
    for (size_t i = 0; i < n && st->criteria.relevancy; i++)
        st->rows.list[i].score = score_of(st, st->rows.list[i].uid);
}

static void note_keys(void *arg, size_t nth, const struct imap_sort_row *row,
                      const struct digest *d)
{
    struct sort *st = arg;
    imap_sort_keys_note(&st->keys, nth, row, d);
}

static enum step begin_merge(struct imap_cmd *c)
{
    struct sort *st = c->state;
    size_t n = st->rows.n;
    if (!st->criteria.digests) {
        for (size_t i = 0; i < n; i++)
            imap_sort_keys_note(&st->keys, i, &st->rows.list[i], NULL);
    }
    imap_sort_keys_merge(&st->keys, &st->merge);
    c->more = more_merge;
    return imap_cmd_should_yield(c) ? STEP_MORE : more_merge(c);
}

static enum step more_keys(struct imap_cmd *c)
{
    struct sort *st = c->state;
    struct fault f = FAULT_NONE;
    bool done;
    enum err e = imap_sort_rows_more(&st->rows, begin_keys, st->criteria.digests ? note_keys : NULL,
                                     st, &done, &f);
    if (e != ERR_OK)
        return failed(c, e, &f);
    if (!done)
        return STEP_MORE;
    return go_on(c, begin_merge);
}

/* All are found: perhaps their order is known. */
static enum step begin_order(struct imap_cmd *c)
{
    struct sort *st = c->state;
    st->order = mem_alloc((uidset_count(&st->find.found) + 1) * sizeof *st->order);
    if (imap_sort_cache_get(&c->session->home->sorted, c->session->view->mailbox, &st->criteria,
                            &st->find.found, st->order)) {
        st->n = uidset_count(&st->find.found);
        return go_on(c, keep_updates);
    }
    imap_sort_rows_init(&st->rows, c->session, c->session->view->mailbox, &st->find.found);
    c->more = more_keys;
    return imap_cmd_should_yield(c) ? STEP_MORE : more_keys(c);
}

static enum step more_find(struct imap_cmd *c)
{
    struct sort *st = c->state;
    struct fault f = FAULT_NONE;
    bool done;
    enum err e = imap_find_more(&st->find, &done, &f);
    if (e != ERR_OK)
        return failed(c, e, &f);
    imap_progress_find(c, &st->find);
    if (!done)
        return STEP_MORE;
    return go_on(c, begin_order);
}

/* sort = "SORT" [search-return-opts] SP sort-criteria SP charset 1*(SP search-key)    RFC 5256 §5, RFC 5267 §5 */
enum step imap_sort(struct imap_cmd *c)
{
    struct imap_view *v = c->session->view;
    struct scan *in = &c->args;
    struct sort *st = arena_new_of(c->arena, struct sort);
    c->state = st;
    c->cleanup = cleanup;
    imap_search_return_parse(in, &st->program);
    imap_sort_keys_parse(in, &st->criteria);
    imap_parse_sp(in);
    imap_search_parse_label(imap_parse_astring(in, c->arena), &st->program);
    imap_parse_sp(in);
    imap_search_parse_keys(in, c->arena, v, &st->program);
    st->program.relevancy |= st->criteria.relevancy;
    if (scan_ok(in) && st->criteria.relevancy && !st->program.fuzzy && !st->program.bad_charset)
        scan_fail(in, "RELEVANCY is only for searches with FUZZY"); /* RFC 6203 §5 */
    if (!scan_ok(in))
        return imap_reply_bad(c, in->why);
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
    c->more = more_find;
    return more_find(c);
}
