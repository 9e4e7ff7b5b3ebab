#include "common/buf.h"
#include "main/admin.h"
#include "store/check.h"
#include "store/dump.h"

#define STATS_BYTES (64u << 10)

static void report(void *arg, struct span line)
{
    admin_printf(arg, "%.*s\n", SPAN_ARG(line));
}

int admin_store_check(struct admin *a, const struct cli_args *args)
{
    (void)args; /* the table gives it to every command */
    struct fault f = FAULT_NONE;
    unsigned long broken = 0;
    enum err e = check_run(a->store, report, NULL, a, &broken, &f);
    if (e != ERR_OK)
        return admin_failed(a, e, &f);
    if (broken > 0)
        admin_complain(a, "the store is broken: %lu lines", broken);
    else
        admin_printf(a, "ok\n");
    return broken > 0 ? CLI_FAILED : CLI_OK;
}

static bool write_some(void *arg, struct span bytes)
{
    struct admin *a = arg;
    return a->out(a, bytes);
}

int admin_store_dump(struct admin *a, const struct cli_args *args)
{
    (void)args; /* the table gives it to every command */
    struct fault f = FAULT_NONE;
    return admin_failed(a, dump_write(a->store, write_some, a, &f), &f);
}

static long read_some(void *arg, char *into, size_t n)
{
    struct admin *a = arg;
    return a->in(a, into, n);
}

int admin_store_load(struct admin *a, const struct cli_args *args)
{
    (void)args; /* the table gives it to every command */
    struct fault f = FAULT_NONE;
    enum err e = dump_load(a->store, read_some, a, &f);
    if (a->auth)
        auth_forget(a->auth);
    return admin_failed(a, e, &f);
}

int admin_store_stats(struct admin *a, const struct cli_args *args)
{
    (void)args; /* the table gives it to every command */
    struct buf text;
    buf_init(&text, STATS_BYTES);
    store_stats(a->store, &text);
    (void)a->out(a, buf_span(&text)); /* who no longer listens needs no answer */
    buf_fini(&text);
    return CLI_OK;
}
