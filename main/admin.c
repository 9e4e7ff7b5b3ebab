#include "main/admin.h"
#include "common/clock.h"
#include "message/address.h"
#include <stdarg.h>
#include <stdio.h>

#define LINE_BYTES 4096 /* of what one admin_printf says */
#define PROGRESS_MS 200 /* between two lines of progress */

static struct span format(char line[LINE_BYTES], const char *before, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));
static struct span format(char line[LINE_BYTES], const char *before, const char *fmt, va_list ap)
{
    int start = snprintf(line, LINE_BYTES, "%s", before);
    int n = vsnprintf(line + start, LINE_BYTES - (size_t)start - 1, fmt, ap) + start;
    return span_of(line, n < LINE_BYTES - 1 ? (size_t)n : LINE_BYTES - 2);
}

void admin_printf(struct admin *a, const char *fmt, ...)
{
    char line[LINE_BYTES];
    va_list ap;
    va_start(ap, fmt);
    (void)a->out(a, format(line, "", fmt, ap)); /* who no longer listens needs no answer */
    va_end(ap);
}

void admin_complain(struct admin *a, const char *fmt, ...)
{
    char line[LINE_BYTES];
    va_list ap;
    va_start(ap, fmt);
    struct span text = format(line, "mailstead: ", fmt, ap);
    va_end(ap);
    line[text.n++] = '\n';
    (void)a->err(a, text);
}

/* With a comma before each three digits. */
static struct span grouped(char out[32], uint64_t n)
{
    size_t at = 32, digits = 0;
    do {
        if (digits > 0 && digits % 3 == 0)
            out[--at] = ',';
        out[--at] = (char)('0' + n % 10);
        n /= 10;
        digits++;
    } while (n > 0);
    return span_of(out + at, 32 - at);
}

bool admin_progress(struct admin *a, const char *what, uint64_t n, const char *unit)
{
    char line[128], digits[32];
    uint64_t now = clock_ms();
    bool begins = a->progress_ms == 0; /* what is over at once shows none */
    if (begins)
        a->progress_ms = now;
    if (begins || now - a->progress_ms < PROGRESS_MS)
        return a->progress(a, SPAN(""));
    a->progress_ms = now;
    int length =
        snprintf(line, sizeof line, "%s: %.*s %s", what, SPAN_ARG(grouped(digits, n)), unit);
    return a->progress(a, span_of(line, (size_t)length));
}

/* clang-format off */
static const int exit_codes[] = {
    [ERR_OK] = CLI_OK,          [ERR_NOTFOUND] = CLI_FAILED, [ERR_EXISTS] = CLI_FAILED, [ERR_DENIED] = CLI_FAILED,
    [ERR_INVALID] = CLI_DATA,   [ERR_LIMIT] = CLI_FAILED,    [ERR_QUOTA] = CLI_FAILED,  [ERR_FULL] = CLI_TEMPFAIL,
    [ERR_BUSY] = CLI_TEMPFAIL,  [ERR_IO] = CLI_IO,           [ERR_CORRUPT] = CLI_IO,
};
/* clang-format on */
_Static_assert(sizeof exit_codes / sizeof *exit_codes == ERR_COUNT,
               "a kind of error has no exit code");

int admin_failed(struct admin *a, enum err e, const struct fault *f)
{
    if (e != ERR_OK)
        admin_complain(a, "%s", *f->text ? f->text : fault_name(e));
    return exit_codes[e];
}

unsigned admin_iterations(const struct admin *a)
{
    return a->auth || !a->scram_iteration_count ? auth_iterations(a->auth)
                                                : a->scram_iteration_count;
}

enum err admin_write(struct admin *a, struct store_op *op, struct fault *f)
{
    op->actor = (struct actor){.kind = ACTOR_ADMIN, .session = id_new()};
    return committer_run(a->store, op, f);
}

int admin_list(struct admin *a, enum err (*each)(struct admin *a, struct txn *t,
                                                 struct arena *arena, struct fault *f))
{
    struct fault f = FAULT_NONE;
    struct arena *arena = arena_new();
    struct txn *t = NULL;
    enum err e = txn_read(a->store, &t, &f);
    if (e == ERR_OK)
        e = each(a, t, arena, &f);
    txn_read_end(&t);
    arena_free(&arena);
    return admin_failed(a, e, &f);
}

enum err admin_address(struct arena *arena, const char *text, struct span *key_out, struct fault *f)
{
    struct address addr;
    const char *why = "no such name can exist";
    if (!address_parse(arena, span_cstr(text), &addr, &why) || !address_key(arena, addr, key_out))
        return fault_set(f, ERR_INVALID, "\"%s\" is not an address: %s", text, why);
    return ERR_OK;
}

enum err admin_domain(struct arena *arena, const char *text, struct span *key_out, struct fault *f)
{
    if (!address_domain_key(arena, span_cstr(text), key_out))
        return fault_set(f, ERR_INVALID, "\"%s\" is not a domain", text);
    return ERR_OK;
}

struct span admin_domain_of(struct span key)
{
    size_t at = key.n;
    while (at > 0 && key.p[at - 1] != '@')
        at--;
    return span_from(key, at);
}
