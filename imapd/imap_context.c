#include "imapd/imap_context.h"

#include "common/log.h"
#include "common/mem.h"
#include "imapd/imap_fetch.h"
#include "imapd/imap_find.h"
#include "imapd/imap_parse.h"
#include "imapd/imap_search_return.h"
#include "imapd/imap_verbs.h"

#include <inttypes.h>

/* Room: contexts of RFC 5267 §4.3. A message can enter or leave a result only when it comes, goes, or changes its flags;
 * nothing else in it ever changes. So what the view hears of is collected (dirty), held against the program by an
 * imap_find over these messages alone, and the difference is told. A sorted result is put in order anew when something
 * enters it; what was in it before keeps its order, because the keys of a message never change. */

#define STEPS 4096 /* moves of the merge between two looks at the clock */
#define TEXT_BYTES (32u << 20)

struct context {
    struct list_node node;
    struct arena *arena; /* of all that follows */
    struct span tag;
    bool uid;
    struct search_program program;
    struct imap_sort_criteria criteria;
    struct uidset result, dirty;
    struct fetch_items items; /* of new messages that enter it, RFC 5465 §7 */
    uint32_t last;            /* the UIDs up to this one are not new */
    uint32_t *order;          /* SORT: the UIDs of the result; NULL for a SEARCH */
    size_t n;
};

enum stage { FIND, ROWS, MERGE };

struct imap_contexts {
    struct list_node all;
    unsigned count;
    /* the one that is worked on */
    struct context *now;
    enum stage stage;
    struct imap_find find;
    struct uidset taken, entered, sorted;
    struct imap_sort_rows rows;
    struct imap_sort_keys keys;
    struct imap_sort_merge merge;
    struct imap_cmd fetcher;
    bool fetching, mid;
};

static struct context *find_tag(const struct imap_view *v, struct span tag)
{
    if (!v->contexts)
        return NULL;
    list_each (n, &v->contexts->all) {
        struct context *x = list_entry(n, struct context, node);
        if (span_eq(x->tag, tag))
            return x;
    }
    return NULL;
}

bool imap_context_has(const struct imap_view *v, struct span tag)
{
    return find_tag(v, tag) != NULL;
}

/* --- work begins and ends --- */

static void stop_work(struct imap_contexts *all)
{
    imap_find_fini(&all->find);
    imap_sort_rows_fini(&all->rows);
    imap_sort_keys_fini(&all->keys);
    imap_sort_merge_fini(&all->merge);
    uidset_clear(&all->taken);
    uidset_clear(&all->entered);
    uidset_clear(&all->sorted);
    if (all->fetching) {
        imap_cmd_end(&all->fetcher);
        arena_free(&all->fetcher.arena);
    }
    all->fetching = all->mid = false;
    all->now = NULL;
    all->stage = FIND;
}

/* What was taken is dirty again. */
static void restart_work(struct imap_contexts *all)
{
    if (all->now)
        uidset_add_set(&all->now->dirty, &all->taken);
    stop_work(all);
}

static void drop(struct imap_contexts *all, struct context *x)
{
    if (all->now == x)
        stop_work(all);
    list_drop(&x->node);
    all->count--;
    imap_search_parse_end(&x->program);
    uidset_fini(&x->result);
    uidset_fini(&x->dirty);
    mem_free(x->order);
    arena_free(&x->arena);
    mem_free(x);
}

void imap_context_end(struct imap_contexts **contexts)
{
    struct imap_contexts *all = *contexts;
    if (!all)
        return;
    while (!list_empty(&all->all))
        drop(all, list_entry(all->all.next, struct context, node));
    stop_work(all);
    uidset_fini(&all->taken);
    uidset_fini(&all->entered);
    uidset_fini(&all->sorted);
    mem_free(all);
    *contexts = NULL;
}

bool imap_context_mid(const struct imap_contexts *all)
{
    return all && all->mid;
}

/* The program once more, in memory of the context's own. It was parsed before: it is in order. */
static void parse(struct context *x, struct imap_cmd *c, bool sorted)
{
    struct scan in = scan_of(arena_keep(x->arena, c->args.in));
    struct imap_view *v = c->session->view;
    if (!sorted) {
        imap_search_parse(&in, x->arena, v, &x->program);
        return;
    }
    imap_search_return_parse(&in, &x->program);
    imap_sort_keys_parse(&in, &x->criteria);
    imap_parse_sp(&in);
    imap_search_parse_label(imap_parse_astring(&in, x->arena), &x->program);
    imap_parse_sp(&in);
    imap_search_parse_keys(&in, x->arena, v, &x->program);
}

void imap_context_begin(struct imap_cmd *c, const struct uidset *result, const uint32_t *order,
                        size_t n, bool by_score)
{
    struct imap_view *v = c->session->view;
    if (!v->contexts) {
        v->contexts = mem_new(struct imap_contexts);
        list_init(&v->contexts->all);
    }
    /* Nobody keeps what the scores of the others were. */
    if (v->contexts->count == IMAP_CONTEXT_COUNT || by_score) {
        imap_out(c->session, SPAN("* NO [NOUPDATE "));
        imap_out_string(c->session, c->tag);
        imap_out(c->session, SPAN("] Too many contexts\r\n"));
        return;
    }
    struct context *x = mem_new(struct context);
    list_init(&x->node);
    x->arena = arena_new();
    x->tag = arena_keep(x->arena, c->tag);
    x->uid = c->uid;
    parse(x, c, order != NULL);
    struct scan items = scan_of(x->program.fetch);
    if (x->program.fetch.n > 0)
        imap_fetch_parse_list(&items, x->arena, &x->items);
    x->last = uidset_last(&v->uids);
    uidset_copy(&x->result, result);
    if (order) {
        x->n = n;
        x->order = mem_alloc((n + 1) * sizeof *order);
        memcpy(x->order, order, n * sizeof *order);
    }
    list_add(&v->contexts->all, &x->node);
    v->contexts->count++;
}

void imap_context_changed(struct imap_contexts *all, const struct uidset *uids)
{
    if (!all)
        return;
    list_each (n, &all->all) {
        uidset_add_set(&list_entry(n, struct context, node)->dirty, uids);
    }
}

/* --- telling --- */

static uint32_t number(struct imap_view *v, const struct context *x, uint32_t uid)
{
    return x->uid ? uid : uidset_rank(&v->uids, uid);
}

static void say_begin(struct imap_view *v, const struct context *x)
{
    imap_out(v->session, SPAN("* ESEARCH (TAG "));
    imap_out_string(v->session, x->tag);
    imap_out(v->session, x->uid ? SPAN(") UID") : SPAN(")"));
}

/* In the order of the mailbox: position 0, RFC 5267 §4.3.3. */
static void say_set(struct imap_view *v, const struct context *x, const char *what,
                    const struct uidset *uids)
{
    struct uidset numbers = {0};
    struct buf text;
    if (uidset_empty(uids))
        return;
    for (uint32_t u = uidset_first(uids); u && !x->uid;
         u = u == UINT32_MAX ? 0 : uidset_next(uids, u + 1)) {
        uint32_t n = number(v, x, u);
        uidset_add(&numbers, n, n);
    }
    buf_init(&text, TEXT_BYTES);
    uidset_text(x->uid ? uids : &numbers, &text);
    imap_outf(v->session, " %s (0 ", what);
    imap_out(v->session, buf_span(&text));
    imap_out(v->session, SPAN(")"));
    buf_fini(&text);
    uidset_fini(&numbers);
}

/* Members [from, to) of list as a set in that order; only what rises by one is a range. */
static void add_run(struct imap_view *v, const struct context *x, const uint32_t *list, size_t from,
                    size_t to, struct buf *out)
{
    for (size_t i = from; i < to;) {
        uint32_t first = number(v, x, list[i++]), last = first;
        while (i < to && number(v, x, list[i]) == last + 1) {
            last++;
            i++;
        }
        buf_u64(out, first);
        if (last > first)
            buf_addf(out, ":%u", last);
        if (i < to)
            buf_byte(out, ',');
    }
}

/* The runs of those in list that are in uids, with their positions: for REMOVEFROM from the end, so that the positions
 * before stay what they were; for ADDTO from the beginning, so that what stands before is there already. */
static void say_runs(struct imap_view *v, const struct context *x, const char *what,
                     const uint32_t *list, size_t n, const struct uidset *uids, bool backwards)
{
    struct buf text;
    buf_init(&text, TEXT_BYTES);
    for (size_t i = 0; i < n;) {
        size_t from = backwards ? n - 1 - i : i, to = from + 1;
        if (!uidset_has(uids, list[from])) {
            i++;
            continue;
        }
        while (backwards && from > 0 && uidset_has(uids, list[from - 1]))
            from--;
        while (!backwards && to < n && uidset_has(uids, list[to]))
            to++;
        if (text.n > 0)
            buf_byte(&text, ' ');
        buf_addf(&text, "%zu ", from + 1);
        add_run(v, x, list, from, to, &text);
        i += to - from;
    }
    if (text.n > 0) {
        imap_outf(v->session, " %s (", what);
        imap_out(v->session, buf_span(&text));
        imap_out(v->session, SPAN(")"));
    }
    buf_fini(&text);
}

static void say_left(struct imap_view *v, struct context *x, const struct uidset *left)
{
    if (!x->order)
        say_set(v, x, "REMOVEFROM", left);
    else if (!uidset_empty(left))
        say_runs(v, x, "REMOVEFROM", x->order, x->n, left, true);
    size_t kept = 0;
    for (size_t i = 0; x->order && i < x->n; i++) {
        if (!uidset_has(left, x->order[i]))
            x->order[kept++] = x->order[i];
    }
    x->n = kept;
    uidset_remove_set(&x->result, left);
}

static void leave_one(struct imap_view *v, struct context *x)
{
    struct uidset left = {0};
    uidset_copy(&left, &v->removed);
    uidset_intersect(&left, &x->result);
    if (!uidset_empty(&left)) {
        say_begin(v, x);
        say_left(v, x, &left);
        imap_out(v->session, SPAN("\r\n"));
    }
    uidset_remove_set(&x->dirty, &v->removed);
    uidset_fini(&left);
}

/* After ENABLE UIDONLY nothing is told by message numbers: RFC 9586 §3. */
static void drop_numbered(struct imap_view *v)
{
    list_each (n, &v->contexts->all) {
        struct context *x = list_entry(n, struct context, node);
        if (!x->uid && (v->session->enabled & IMAP_UIDONLY))
            drop(v->contexts, x);
    }
}

void imap_context_leave(struct imap_view *v)
{
    if (v->contexts)
        drop_numbered(v);
    if (!v->contexts || uidset_empty(&v->removed))
        return;
    restart_work(v->contexts);
    list_each (n, &v->contexts->all) {
        leave_one(v, list_entry(n, struct context, node));
    }
}

/* --- the work --- */

/* Takes those that the sort has not met: they are gone, which the view will hear of. */
static void miss(struct imap_contexts *all, struct uidset *left)
{
    struct uidset there = {0}, gone = {0};
    for (size_t i = 0; i < all->rows.n; i++)
        uidset_add(&there, all->rows.list[i].uid, all->rows.list[i].uid);
    uidset_copy(&gone, &all->sorted);
    uidset_remove_set(&gone, &there);
    uidset_add_set(left, &gone);
    uidset_intersect(left, &all->now->result);
    uidset_intersect(&all->entered, &there);
    uidset_fini(&there);
    uidset_fini(&gone);
}

/* The result as it is now sorted. */
static void reorder(struct imap_contexts *all)
{
    struct context *x = all->now;
    x->n = all->rows.n;
    mem_free(x->order);
    x->order = mem_alloc((x->n + 1) * sizeof *x->order);
    for (size_t i = 0; i < x->n; i++)
        x->order[i] = all->rows.list[all->merge.items[i].nth].uid;
}

static void tell(struct imap_view *v, struct imap_contexts *all)
{
    struct context *x = all->now;
    struct uidset left = {0};
    uidset_copy(&left, &all->taken);
    uidset_intersect(&left, &x->result);
    uidset_remove_set(&left, &all->find.found);
    if (all->stage == MERGE)
        miss(all, &left);
    if (!uidset_empty(&left) || !uidset_empty(&all->entered)) {
        say_begin(v, x);
        say_left(v, x, &left);
        uidset_add_set(&x->result, &all->entered);
        if (!x->order) {
            say_set(v, x, "ADDTO", &all->entered);
        } else if (all->stage == MERGE) {
            reorder(all);
            say_runs(v, x, "ADDTO", x->order, x->n, &all->entered, false);
        }
        imap_out(v->session, SPAN("\r\n"));
    }
    uidset_fini(&left);
}

static void begin_keys(void *arg, size_t n)
{
    struct imap_contexts *all = arg;
    imap_sort_keys_init(&all->keys, &all->now->criteria, n);
}

static void note_keys(void *arg, size_t nth, const struct imap_sort_row *row,
                      const struct digest *d)
{
    struct imap_contexts *all = arg;
    imap_sort_keys_note(&all->keys, nth, row, d);
}

/* What is in the result, and what enters it, in order. */
static void begin_rows(struct imap_view *v, struct imap_contexts *all)
{
    uidset_copy(&all->sorted, &all->now->result);
    uidset_remove_set(&all->sorted, &all->taken);
    uidset_add_set(&all->sorted, &all->find.found);
    imap_sort_rows_init(&all->rows, v->session, v->mailbox, &all->sorted);
    all->stage = ROWS;
}

static enum err step_find(struct imap_view *v, struct imap_contexts *all, bool *over,
                          struct fault *f)
{
    bool done;
    enum err e = imap_find_more(&all->find, &done, f);
    if (e != ERR_OK || !done)
        return e;
    uidset_copy(&all->entered, &all->find.found);
    uidset_remove_set(&all->entered, &all->now->result);
    if (all->now->order && !uidset_empty(&all->entered))
        begin_rows(v, all);
    else
        *over = true;
    return ERR_OK;
}

static enum err step_rows(struct imap_contexts *all, struct fault *f)
{
    bool done;
    enum err e = imap_sort_rows_more(&all->rows, begin_keys, note_keys, all, &done, f);
    if (e == ERR_OK && done) {
        imap_sort_keys_merge(&all->keys, &all->merge);
        all->stage = MERGE;
    }
    return e;
}

static enum err step(struct imap_view *v, struct imap_contexts *all, bool *over, struct fault *f)
{
    switch (all->stage) {
    case FIND:
        return step_find(v, all, over, f);
    case ROWS:
        return step_rows(all, f);
    case MERGE:
        *over = imap_sort_merge_step(&all->merge, STEPS);
        break;
    }
    return ERR_OK;
}

/* RFC 5465 §7: between EXISTS and ESEARCH come the items of what is new, and not of what entered by its flags. */
static bool begin_fetch(struct imap_view *v, struct imap_contexts *all)
{
    struct context *x = all->now;
    struct uidset fresh = {0};
    if (x->items.n > 0)
        uidset_copy(&fresh, &all->entered);
    if (x->last > 0)
        uidset_remove(&fresh, 1, x->last);
    all->fetching = !uidset_empty(&fresh);
    if (all->fetching) {
        all->fetcher = (struct imap_cmd){.session = v->session, .arena = arena_new()};
        imap_fetch_news(&all->fetcher, &x->items, &fresh);
    }
    uidset_fini(&fresh);
    return all->fetching;
}

static enum err step_fetch(struct imap_view *v, struct imap_contexts *all, bool *over,
                           struct fault *f)
{
    struct imap_session *s = v->session;
    bool was_mid = all->mid;
    enum err e = imap_fetch_news_more(&all->fetcher, over, &all->mid, f);
    if (e != ERR_OK && all->mid && s->conn)
        conn_drop(s->conn, "a message could not be read");
    else if (was_mid && !all->mid && s->conn && (!s->running || s->idling))
        conn_again(s->conn);
    return e;
}

/* The whole work on one context but its telling. */
static enum err work(struct imap_view *v, struct imap_contexts *all, bool *over, struct fault *f)
{
    if (all->fetching)
        return step_fetch(v, all, over, f);
    enum err e = step(v, all, over, f);
    if (e == ERR_OK && *over)
        *over = !begin_fetch(v, all);
    return e;
}

/* Those that were told of are not new any more. */
static void grow_old(struct imap_contexts *all)
{
    uint32_t last = uidset_last(&all->taken);
    if (last > all->now->last)
        all->now->last = last;
}

/* The next context about which there is something to find out. Messages that the client has not been told of wait. */
static bool take(struct imap_view *v, struct imap_contexts *all)
{
    list_each (n, &all->all) {
        struct context *x = list_entry(n, struct context, node);
        uidset_copy(&all->taken, &x->dirty);
        uidset_intersect(&all->taken, &v->uids);
        if (uidset_empty(&all->taken))
            continue;
        uidset_remove_set(&x->dirty, &all->taken);
        all->now = x;
        all->stage = FIND;
        imap_find_init(&all->find, v->session, &x->program, v->mailbox, &all->taken);
        return true;
    }
    return false;
}

/* Another of them has something to find out. */
static bool waits(struct imap_view *v, struct imap_contexts *all)
{
    bool some = false;
    list_each (n, &all->all) {
        struct uidset known = {0};
        uidset_copy(&known, &list_entry(n, struct context, node)->dirty);
        uidset_intersect(&known, &v->uids);
        some |= !uidset_empty(&known);
        uidset_fini(&known);
    }
    return some;
}

bool imap_context_more(struct imap_view *v)
{
    struct imap_contexts *all = v->contexts;
    struct fault f = FAULT_NONE;
    while (all && (all->now || take(v, all))) {
        bool over = false;
        enum err e = work(v, all, &over, &f);
        if (e != ERR_OK)
            log_event(LOG_ERROR, v->session->id.text, "imap.news",
                      "mailbox=%" PRIu64 " error=%s text=\"%s\"", v->mailbox, fault_name(e),
                      LOG_SPAN(span_cstr(f.text)));
        else if (over)
            tell(v, all);
        if (e != ERR_OK || over) {
            grow_old(all);
            stop_work(all);
        }
        if (imap_cmd_should_yield(&v->session->cmd))
            return !all->now && !waits(v, all);
    }
    return true;
}

/* --- CANCELUPDATE --- */

/* command-select =/ "CANCELUPDATE" 1*(SP quoted)    RFC 5267 §4.3.5 and §5 */
enum step imap_context_cancel(struct imap_cmd *c)
{
    struct imap_view *v = c->session->view;
    struct span tags[IMAP_CONTEXT_COUNT];
    size_t n = 0;
    do {
        struct span tag = imap_parse_string(&c->args, c->arena);
        if (n == IMAP_CONTEXT_COUNT)
            scan_fail(&c->args, "Too many tags");
        if (scan_ok(&c->args))
            tags[n++] = tag;
    } while (scan_try(&c->args, ' '));
    scan_end(&c->args, "Expected quoted tags");
    if (!scan_ok(&c->args))
        return imap_reply_bad(c, c->args.why);
    for (size_t i = 0; i < n; i++) {
        struct context *x = find_tag(v, tags[i]);
        if (x)
            drop(v->contexts, x);
    }
    return imap_reply_ok(c, NULL, "No further updates");
}
