#include "imapd/imap_find.h"
#include "imapd/imapd_home.h"

/* Room: the walk of every search: the rows of its candidates, a slice of the loop at a time, each held against the
 * program. */

#define FIND_LOOK_COUNT 64  /* rows between two looks at the clock ... */
#define FIND_LOOK_KEYS 6400 /* ... or so many times a key was held against a row */
#define FIND_APART_COUNT 64 /* UIDs from one candidate to the next that are not walked through */
#define FIND_PLAN_RANGES 1000000 /* of sets that a plan may go through, all keys together */

void imap_find_init(struct imap_find *f, struct imap_session *s, struct search_program *p,
                    uint64_t mailbox, const struct uidset *candidates)
{
    *f = (struct imap_find){.session = s, .program = p, .mailbox = mailbox};
    f->message.arena = arena_new();
    f->message.view = s->view && s->view->mailbox == mailbox ? s->view : NULL;
    buf_init(&f->message.record, OUTLINE_RECORD_MAX);
    buf_init(&f->message.header, 4u << 20);
    buf_init(&f->keywords, 1u << 20);
    buf_init(&f->scores, 1u << 30);
    imap_search_scan_init(&f->scan, p);
    uidset_copy(&f->candidates, candidates);
}

void imap_find_fini(struct imap_find *f)
{
    if (!f->session)
        return;
    imap_search_scan_fini(&f->scan);
    imap_flagset_free(&f->flags);
    imap_find_filter_fini(&f->filter);
    uidset_fini(&f->candidates);
    uidset_fini(&f->found);
    buf_fini(&f->message.record);
    buf_fini(&f->message.header);
    buf_fini(&f->keywords);
    buf_fini(&f->scores);
    arena_free(&f->message.arena);
    f->session = NULL;
}

static bool is_slice_over(const struct imap_find *f, unsigned rows)
{
    unsigned look = FIND_LOOK_KEYS / (f->program->key_count + 1) + 1;
    return rows % (look < FIND_LOOK_COUNT ? look : FIND_LOOK_COUNT) == 0 &&
           imap_cmd_should_yield(&f->session->cmd);
}

/* The bits of the keywords that are asked for, as this snapshot has them: another session may have made one. */
static enum err find_keywords(struct imap_find *f, struct txn *t, struct fault *fault)
{
    struct span *names = NULL;
    size_t n = 0;
    if (!f->program->keyword_keys)
        return ERR_OK;
    struct arena *a = arena_new();
    enum err e = flags_keywords(t, a, f->mailbox, &names, &n, fault);
    for (struct search_key *k = f->program->keyword_keys; k; k = k->next_keyword) {
        k->known = false;
        for (size_t i = 0; e == ERR_OK && i < n && !k->known; i++) {
            k->known = span_eq_ci(names[i], k->name);
            k->bit = i;
        }
    }
    arena_free(&a);
    return e;
}

/* --- the plan --- */

static size_t wanted_bits(const struct search_program *p, size_t bits[IMAP_FLAGSET_KEYWORD_COUNT])
{
    size_t n = 0;
    for (const struct search_key *k = p->keyword_keys; k; k = k->next_keyword) {
        size_t i = 0;
        while (i < n && bits[i] != k->bit)
            i++;
        if (k->known && i == n && n < IMAP_FLAGSET_KEYWORD_COUNT)
            bits[n++] = k->bit;
    }
    return n;
}

static bool has_keywords(const struct imap_flagset *s, const struct search_program *p)
{
    size_t bits[IMAP_FLAGSET_KEYWORD_COUNT], n = wanted_bits(p, bits);
    for (size_t i = 0; i < n; i++) {
        if (!imap_flagset_keyword(s, bits[i]))
            return false;
    }
    return true;
}

/* With those that are kept already, as far as there is room. */
static void begin_flags(struct imap_find *f, const struct imap_flagset *old, uint64_t modseq)
{
    size_t bits[IMAP_FLAGSET_KEYWORD_COUNT], n = wanted_bits(f->program, bits);
    for (size_t i = 0; old && i < old->keyword_count && n < IMAP_FLAGSET_KEYWORD_COUNT; i++) {
        size_t k = 0;
        while (k < n && bits[k] != old->keywords[i].bit)
            k++;
        if (k == n)
            bits[n++] = old->keywords[i].bit;
    }
    f->flags = imap_flagset_new(modseq, bits, n);
    f->flags_uid = 0;
    f->stage = FIND_FLAGS;
}

/* One slice of the walk over all rows; the plan follows once it is over. */
static enum err more_flags(struct imap_find *f, struct txn *t, struct fault *fault)
{
    struct msg_walk w;
    struct msg row;
    f->stage = FIND_PLAN;
    if (f->flags_uid == UINT32_MAX)
        return ERR_OK;
    msg_walk(&w, t, f->mailbox, f->flags_uid + 1, false);
    for (unsigned n = 1; msg_walk_next(&w, &row); n++) {
        imap_flagset_row(f->flags, &row);
        f->flags_uid = row.uid;
        if (n % FIND_LOOK_COUNT == 0 && imap_cmd_should_yield(&f->session->cmd)) {
            f->stage = FIND_FLAGS;
            break;
        }
    }
    return msg_walk_end(&w, fault);
}

/* What the loop keeps of the mailbox's flags, up to date; NULL: nothing, or they are being made now. */
static enum err kept_flags(struct imap_find *f, struct txn *t, const struct mailbox *box,
                           struct imap_cache_box *cached, struct fault *fault)
{
    struct imap_cache *cache = &f->session->home->cache;
    bool made = f->flags != NULL;
    if (made) {
        imap_cache_flags(cache, cached, f->flags);
        f->flags = NULL;
    }
    if (!f->program->flags)
        return ERR_OK;
    enum err e = cached->flags ? imap_flagset_refresh(cached->flags, t, box, fault) : ERR_LIMIT;
    if (e == ERR_OK && !made && !has_keywords(cached->flags, f->program))
        begin_flags(f, cached->flags, box->highestmodseq);
    if (e == ERR_LIMIT) {
        imap_cache_flags(cache, cached, NULL);
        if (!made)
            begin_flags(f, NULL, box->highestmodseq);
        e = ERR_OK;
    }
    return e;
}

/* Every key may go through all of it. */
static bool is_small(const struct imap_find *f, const struct imap_flagset *flags)
{
    size_t ranges = f->candidates.n + (flags ? imap_flagset_ranges(flags) : 0) + 1;
    return f->program->key_count < FIND_PLAN_RANGES / ranges + 1;
}

/* The candidates are now final, but for the index. */
static void begin_rows(struct imap_find *f)
{
    uint32_t count = uidset_count(&f->candidates);
    imap_rows_init(&f->rows, f->mailbox, &f->candidates);
    f->rows.few |=
        (uidset_last(&f->candidates) - uidset_first(&f->candidates)) / FIND_APART_COUNT > count;
}

/* ERR_NOTFOUND: the mailbox is gone, and nothing is found in it. */
static enum err plan(struct imap_find *f, struct txn *t, bool *done, struct fault *fault)
{
    struct mailbox box;
    struct imap_cache_box *cached;
    enum err e = mailbox_get(t, NULL, f->mailbox, &box, fault);
    if (e == ERR_OK)
        e = imap_cache_look(&f->session->home->cache, t, &box, &cached, fault);
    if (e == ERR_OK)
        e = kept_flags(f, t, &box, cached, fault);
    if (e != ERR_OK || f->stage == FIND_FLAGS)
        return e;
    struct search_sets sets = {.flags = cached->flags, .view = f->message.view};
    uidset_intersect(&f->candidates, &cached->uids);
    if (!f->program->flags)
        sets.flags = NULL;
    *done = is_small(f, sets.flags) && imap_search_plan(f->program->keys, &sets, &f->candidates);
    if (*done)
        uidset_copy(&f->found, &f->candidates);
    begin_rows(f);
    f->stage =
        f->program->dates || imap_search_filter_helps(f->program->keys) ? FIND_FILTER : FIND_ROWS;
    if (f->stage == FIND_FILTER)
        imap_search_scan_reset(&f->scan, &f->message);
    return ERR_OK;
}

/* --- the index --- */

/* Rows that are not settled by what stands in them, until a batch is full or the slice is over. */
static bool gather(struct imap_find *f)
{
    struct search_message *m = &f->message;
    struct msg row;
    unsigned scan = 0;
    for (unsigned n = 1; imap_rows_next(&f->rows, &row); n++) {
        m->msg = &row;
        if (imap_search_match(m, f->program->keys, &scan) != SEARCH_NO &&
            imap_find_filter_add(&f->filter, &row))
            return true;
        if (is_slice_over(f, n))
            return false;
    }
    return true;
}

/* What the index leaves is the candidates of the walk that reads. */
static enum err more_filter(struct imap_find *f, struct txn *t, struct fault *fault)
{
    struct imap_find_filter *w = &f->filter;
    enum err e = ERR_OK;
    f->message.rows_only = true;
    f->message.t = t;
    if (w->stage == IMAP_FIND_FILTER_GATHERS) {
        imap_rows_begin(&f->rows, t);
        bool run = gather(f);
        e = imap_rows_end(&f->rows, ERR_OK, fault);
        if (e == ERR_OK && !run)
            return ERR_OK;
        if (e == ERR_OK)
            imap_find_filter_begin(w, f->program);
    }
    if (e == ERR_OK)
        e = imap_find_filter_run(w, &f->message, f->program, &f->session->cmd, fault);
    if (e == ERR_OK && w->stage == IMAP_FIND_FILTER_GATHERS && f->rows.next == 0) {
        uidset_copy(&f->candidates, &w->maybe);
        begin_rows(f);
        f->message.rows_only = false;
        f->stage = FIND_ROWS;
    }
    return e;
}

/* --- the rows --- */

static void begin_message(struct imap_find *f, const struct msg *row)
{
    struct search_message *m = &f->message;
    arena_reset(m->arena);
    buf_reset(&f->keywords);
    buf_add(&f->keywords, row->keywords);
    f->row = *row;
    f->row.keywords = buf_span(&f->keywords);
    m->msg = &f->row;
    m->have_outline = m->have_header = false;
    imap_search_scan_reset(&f->scan, m);
    f->in_message = true;
}

static void note_found(struct imap_find *f)
{
    if (uidset_empty(&f->found))
        f->first_modseq = f->row.modseq;
    uidset_add(&f->found, f->row.uid, f->row.uid);
    if (f->program->relevancy)
        buf_byte(&f->scores, (char)imap_search_match_score(&f->message, f->program));
    f->last_modseq = f->row.modseq;
    if (f->row.modseq > f->modseq)
        f->modseq = f->row.modseq;
}

/* One bounded step of the present message. True: it read something, so that the clock is to be looked at. */
static bool step_message(struct imap_find *f)
{
    struct search_message *m = &f->message;
    unsigned scan = 0;
    enum search_answer answer = imap_search_match(m, f->program->keys, &scan);
    if (answer == SEARCH_NEEDS_SCAN)
        imap_search_scan_step(&f->scan, m, scan);
    if (m->err == ERR_NOTFOUND) { /* its body went while we read it */
        m->err = ERR_OK;
        f->in_message = false;
    } else if (answer != SEARCH_NEEDS_SCAN) {
        if (answer == SEARCH_YES && m->err == ERR_OK)
            note_found(f);
        f->in_message = false;
    }
    return answer == SEARCH_NEEDS_SCAN || m->have_outline;
}

static enum err slice(struct imap_find *f, struct txn *t, bool *done, struct fault *fault)
{
    struct msg row;
    f->message.t = t;
    imap_rows_begin(&f->rows, t);
    for (unsigned n = 1; !*done && f->message.err == ERR_OK; n++) {
        bool read = false;
        if (f->in_message)
            read = step_message(f);
        else if (imap_rows_next(&f->rows, &row))
            begin_message(f, &row);
        else
            *done = true;
        if (read ? imap_cmd_should_yield(&f->session->cmd) : is_slice_over(f, n))
            break;
    }
    if (f->message.err != ERR_OK)
        *fault = f->message.fault;
    return imap_rows_end(&f->rows, f->message.err, fault);
}

static enum err step(struct imap_find *f, struct txn *t, bool *done, struct fault *fault)
{
    enum err e = find_keywords(f, t, fault);
    if (e == ERR_OK && f->stage == FIND_FLAGS)
        e = more_flags(f, t, fault);
    if (e == ERR_OK && f->stage == FIND_PLAN)
        e = plan(f, t, done, fault);
    while (e == ERR_OK && f->stage == FIND_FILTER && !*done) {
        e = more_filter(f, t, fault);
        if (imap_cmd_should_yield(&f->session->cmd))
            return e;
    }
    if (e == ERR_OK && f->stage == FIND_ROWS && !*done) {
        e = slice(f, t, done, fault);
        if (e == ERR_OK && *done)
            uidset_add_set(&f->found, &f->filter.sure);
    }
    return e;
}

enum err imap_find_more(struct imap_find *f, bool *done, struct fault *fault)
{
    struct txn *t = NULL;
    *done = false;
    enum err e = txn_read(f->session->options->store, &t, fault);
    if (e == ERR_OK)
        e = step(f, t, done, fault);
    txn_read_end(&t);
    if (e == ERR_NOTFOUND && f->stage != FIND_ROWS) {
        *done = true;
        e = ERR_OK;
    }
    return e;
}
