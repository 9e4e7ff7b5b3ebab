#include "store/check.h"
#include "common/arena.h"
#include "common/mem.h"
#include "store/check_state.h"
#include "store/schema.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define CHECK_PROGRESS_ROWS 1000
#define CHECK_LINE_BYTES 400

void check_broken(struct check *c, unsigned number, const char *fmt, ...)
{
    char line[CHECK_LINE_BYTES];
    int n = snprintf(line, sizeof line, "I%u ", number);
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(line + n, sizeof line - (size_t)n, fmt, ap);
    va_end(ap);
    c->totals.broken++;
    if (c->report)
        c->report(c->arg, span_cstr(line));
}

/* One more row; whether to go on. */
static bool progress(struct check *c)
{
    if (++c->rows % CHECK_PROGRESS_ROWS == 0 && c->progress)
        c->stopped = !c->progress(c->arg, c->rows);
    return !c->stopped;
}

enum err check_table(struct check *c, enum table table, check_row_fn *row, struct fault *f)
{
    struct span key, value;
    struct table_walk w;
    table_walk(&w, c->t, table, SPAN(""), false);
    while (table_walk_next(&w, &key, &value) && progress(c)) {
        arena_reset(c->a);
        row(c, key, value, f);
    }
    enum err e = table_walk_end(&w, f);
    return e == ERR_OK && c->stopped ? fault_set(f, ERR_BUSY, "stopped before its end") : e;
}

void *check_room(void *array, size_t n, size_t *cap, size_t bytes)
{
    if (n < *cap)
        return array;
    *cap = *cap ? *cap * 2 : 64;
    return mem_grow(array, *cap * bytes);
}

/* The element with that id in an array sorted by id, which is its first member. */
static void *find(void *array, size_t n, size_t bytes, uint64_t id)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        char *at = (char *)array + mid * bytes;
        uint64_t is;
        memcpy(&is, at, sizeof is);
        if (is == id)
            return at;
        if (is < id)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

struct check_account *check_find_account(const struct check *c, uint64_t id)
{
    return find(c->accounts, c->account_count, sizeof *c->accounts, id);
}

struct check_mailbox *check_find_mailbox(struct check *c, uint64_t id)
{
    if (!c->mailbox || c->mailbox->id != id)
        c->mailbox = find(c->mailboxes, c->mailbox_count, sizeof *c->mailboxes, id);
    return c->mailbox;
}

struct check_body *check_find_body(struct check *c, uint64_t id)
{
    if (!c->body || c->body->id != id)
        c->body = find(c->bodies, c->body_count, sizeof *c->bodies, id);
    return c->body;
}

/* --- META --- */

static void meta_row(struct check *c, struct span key, struct span value, struct fault *f)
{
    /* clang-format off */
    const struct {
        struct span key;
        uint64_t *to;
    } known[] = {
        {SPAN("modseq"), &c->modseq}, {SPAN("id"), &c->id}, {SPAN("uidvalidity"), &c->uidvalidity},
        {SPAN("blob_high"), &c->blob_high}, {SPAN("format"), NULL}, {SPAN("bin_next"), NULL},
        {SPAN("changes_next"), NULL}, {SPAN("auth_secret"), NULL},
    };
    /* clang-format on */
    uint64_t number, account;
    (void)f;
    if (!schema_number(value, &number)) {
        check_broken(c, 1, "number \"%.*s\": damaged", SPAN_ARG(key));
        return;
    }
    if (schema_floor_of(key, &account))
        return;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!span_eq(key, known[i].key))
            continue;
        if (known[i].to)
            *known[i].to = number;
        return;
    }
    check_broken(c, 1, "number \"%.*s\": unknown", SPAN_ARG(key));
}

/* --- CHANGES --- */

static void change_row(struct check *c, struct span key, struct span value, struct fault *f)
{
    struct schema_change change;
    struct schema_key k;
    struct uidset uids = {0};
    uint64_t floor = 0;
    bool good = schema_change_of(key, value, &change) && uidset_unpack(&uids, change.packed);
    uidset_fini(&uids);
    if (!good) {
        check_broken(c, 1, "change: damaged row");
        return;
    }
    uint64_t account = change.change.account, modseq = change.change.modseq;
    if (modseq == 0 || modseq > c->modseq)
        check_broken(c, 4,
                     "change of account %" PRIu64 ": MODSEQ %" PRIu64 ", the store is at %" PRIu64,
                     account, modseq, c->modseq);
    if (!check_find_account(c, account))
        check_broken(c, 6, "change of account %" PRIu64 ": no such account", account);
    if (table_get_u64(c->t, TABLE_META, schema_floor_key(&k, account), &floor, f) == ERR_OK &&
        modseq < floor)
        check_broken(c, 14,
                     "change of account %" PRIu64 ": MODSEQ %" PRIu64
                     ", the log begins with %" PRIu64,
                     account, modseq, floor);
}

/* --- */

static enum err check_all(struct check *c, struct fault *f)
{
    enum err e = check_table(c, TABLE_META, meta_row, f);
    if (e == ERR_OK)
        e = check_directory_read(c, f);
    if (e == ERR_OK)
        e = check_body_read(c, f);
    if (e == ERR_OK)
        e = check_mail_read(c, f);
    if (e == ERR_OK)
        e = check_directory_names(c, f);
    if (e == ERR_OK)
        e = check_acl_read(c, f);
    if (e == ERR_OK)
        e = check_table(c, TABLE_CHANGES, change_row, f);
    if (e == ERR_OK)
        e = check_index_read(c, f);
    if (e == ERR_OK)
        e = check_mail_sums(c, f);
    if (e == ERR_OK)
        e = check_quota_sums(c, f);
    if (e == ERR_OK)
        check_body_sums(c);
    return e;
}

enum err check_run(struct store *st, check_fn *report, check_progress_fn *progress_fn, void *arg,
                   struct check_totals *out, struct fault *f)
{
    struct check c = {.report = report, .progress = progress_fn, .arg = arg};
    enum err e = txn_read(st, &c.t, f);
    if (e != ERR_OK)
        return e;
    c.a = arena_new();
    e = check_all(&c, f);
    txn_read_end(&c.t);
    arena_free(&c.a);
    c.totals.accounts = c.account_count;
    c.totals.mailboxes = c.mailbox_count;
    mem_free(c.accounts);
    mem_free(c.mailboxes);
    mem_free(c.bodies);
    mem_free(c.pending);
    *out = c.totals;
    return e;
}
