#include "common/buf.h"
#include "main/admin.h"
#include "store/check.h"
#include "store/dump.h"
#include "store/housekeeping.h"
#include "store/index.h"
#include "store/index_build.h"
#include <inttypes.h>

#define STATS_BYTES (64u << 10)

static size_t count_lines(struct span s)
{
    size_t n = 0;
    for (size_t end; (end = span_find(s, '\n')) < s.n; n++)
        s = span_from(s, end + 1);
    return n;
}

static void report(void *arg, struct span line)
{
    admin_printf(arg, "%.*s\n", SPAN_ARG(line));
}

static bool checked(void *arg, uint64_t rows)
{
    return admin_progress(arg, "check", rows, "rows");
}

int admin_store_check(struct admin *a, const struct cli_args *args)
{
    (void)args; /* the table gives it to every command */
    struct fault f = FAULT_NONE;
    struct check_totals sum;
    enum err e = check_run(a->store, report, checked, a, &sum, &f);
    if (e != ERR_OK)
        return admin_failed(a, e, &f);
    if (sum.broken > 0)
        admin_complain(a, "the store is broken: %lu lines", sum.broken);
    else
        admin_printf(a,
                     "ok: %" PRIu64 " messages in %" PRIu64 " mailboxes of %" PRIu64 " accounts\n",
                     sum.messages, sum.mailboxes, sum.accounts);
    return sum.broken > 0 ? CLI_FAILED : CLI_OK;
}

/* A dump on its way: how many of its lines have passed. */
struct lines {
    struct admin *admin;
    uint64_t n;
};

static bool write_some(void *arg, struct span bytes)
{
    struct lines *l = arg;
    l->n += count_lines(bytes);
    return l->admin->out(l->admin, bytes) && admin_progress(l->admin, "dump", l->n, "lines");
}

int admin_store_dump(struct admin *a, const struct cli_args *args)
{
    (void)args; /* the table gives it to every command */
    struct fault f = FAULT_NONE;
    struct lines l = {.admin = a};
    return admin_failed(a, dump_write(a->store, write_some, &l, &f), &f);
}

static long read_some(void *arg, char *into, size_t n)
{
    struct lines *l = arg;
    long got = l->admin->in(l->admin, into, n);
    l->n += count_lines(span_of(into, got > 0 ? (size_t)got : 0));
    return admin_progress(l->admin, "load", l->n, "lines") ? got : -1;
}

int admin_store_load(struct admin *a, const struct cli_args *args)
{
    (void)args; /* the table gives it to every command */
    struct fault f = FAULT_NONE;
    struct lines l = {.admin = a};
    enum err e = dump_load(a->store, read_some, &l, &f);
    if (a->auth)
        auth_forget(a->auth);
    return admin_failed(a, e, &f);
}

static bool indexed(void *arg, uint64_t bodies)
{
    return admin_progress(arg, "reindex", bodies, "bodies");
}

int admin_store_reindex(struct admin *a, const struct cli_args *args)
{
    (void)args; /* the table gives it to every command */
    struct fault f = FAULT_NONE;
    struct index_state is;
    enum err e = index_build_anew(housekeeping_index(a->store), indexed, a, &f);
    if (e == ERR_OK)
        e = index_state(a->store, &is, &f);
    if (e != ERR_OK)
        return admin_failed(a, e, &f);
    admin_printf(a, "ok: %" PRIu64 " of %" PRIu64 " bodies, %" PRIu64 " bytes\n", is.indexed,
                 is.bodies, is.bytes);
    return CLI_OK;
}

int admin_store_stats(struct admin *a, const struct cli_args *args)
{
    (void)args; /* the table gives it to every command */
    struct index_state is;
    struct buf text;
    buf_init(&text, STATS_BYTES);
    store_stats(a->store, &text);
    if (index_state(a->store, &is, NULL) == ERR_OK)
        (void)buf_addf(&text,
                       "index_bodies=%" PRIu64 "\nindex_indexed=%" PRIu64
                       "\nindex_segments=%" PRIu64 "\nindex_bytes=%" PRIu64 "\n",
                       is.bodies, is.indexed, is.segments, is.bytes);
    (void)a->out(a, buf_span(&text)); /* who no longer listens needs no answer */
    buf_fini(&text);
    return CLI_OK;
}
