#include "common/arena.h"
#include "common/buf.h"
#include "common/clock.h"
#include "main/admin.h"
#include "main/when.h"
#include "message/outline.h"
#include "store/bin.h"
#include "store/blob.h"
#include "store/directory.h"
#include <inttypes.h>
#include <time.h>

#define SLICE_MESSAGES 200 /* put back in one operation */

struct undelete {
    struct store_op op;
    struct admin *admin;
    struct txn *txn;
    struct buf record; /* an outline */
    uint64_t account;
    int64_t since;
    unsigned listed, restored;
};

/* --- a line for each message --- */

static void add_flags(struct buf *line, const struct bin_item *item)
{
    const char *gap = "";
    for (unsigned i = 0; i < FLAGS_SYSTEM_COUNT; i++)
        if (item->msg.flags >> i & 1) {
            buf_addf(line, "%s%s", gap, flags_system_names[i]);
            gap = " ";
        }
    for (size_t i = 0; i < item->keyword_count; i++) {
        buf_addf(line, "%s%.*s", gap, SPAN_ARG(item->keywords[i]));
        gap = " ";
    }
}

/* Without the control characters of a terminal, those of ISO 6429 that UTF-8 writes as C2 80 to C2 9F among them. */
static void add_text(struct buf *line, struct span text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i],
                      next = i + 1 < text.n ? (unsigned char)text.p[i + 1] : 0;
        bool high = c == 0xC2 && next >= 0x80 && next <= 0x9F;
        buf_byte(line, c < 0x20 || c == 0x7F || high ? ' ' : (char)c);
        i += high;
    }
}

/* WHEN tab MAILBOX tab BYTES tab FLAGS tab SUBJECT */
static bool list_one(void *arg, const struct bin_item *item)
{
    struct undelete *u = arg;
    struct outline outline;
    struct tm tm;
    time_t at = (time_t)item->when;
    char when[32];
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&at, &tm));
    struct buf line;
    buf_init(&line, 8192);
    buf_addf(&line, "%s\t", when);
    add_text(&line, item->name);
    buf_addf(&line, "\t%" PRIu64 "\t", item->msg.bytes);
    add_flags(&line, item);
    buf_byte(&line, '\t');
    if (blob_outline(u->txn, item->msg.blob, &u->record, NULL) == ERR_OK &&
        outline_open(buf_span(&u->record), &outline))
        add_text(&line, outline.subject);
    admin_printf(u->admin, "%.*s\n", SPAN_ARG(buf_span(&line)));
    buf_fini(&line);
    u->listed++;
    return true;
}

static enum err list(struct undelete *u, struct arena *arena, struct fault *f)
{
    enum err e = txn_read(u->admin->store, &u->txn, f);
    if (e == ERR_OK)
        e = bin_each(u->txn, arena, u->account, u->since, list_one, u, f);
    txn_read_end(&u->txn);
    return e;
}

/* --- the command --- */

static enum err put_back(struct txn *t, struct store_op *op, struct fault *f)
{
    struct undelete *u = (struct undelete *)(void *)op;
    return bin_restore(t, u->account, u->since, SLICE_MESSAGES, &u->restored, f);
}

static enum err restore(struct undelete *u, struct fault *f)
{
    unsigned long total = 0;
    enum err e = ERR_OK;
    do {
        e = admin_write(u->admin, &u->op, f);
        total += e == ERR_OK ? u->restored : 0;
        if (e == ERR_OK && !admin_progress(u->admin, "undelete", total, "messages"))
            e = fault_set(f, ERR_BUSY, "stopped before its end: the same command goes on");
    } while (e == ERR_OK && u->restored > 0);
    admin_printf(u->admin, "restored %lu messages\n", total);
    return e;
}

static enum err find(struct undelete *u, struct arena *arena, const char *address, struct fault *f)
{
    struct span key;
    struct account account;
    struct txn *t = NULL;
    enum err e = admin_address(arena, address, &key, f);
    if (e == ERR_OK)
        e = txn_read(u->admin->store, &t, f);
    if (e == ERR_OK) {
        e = directory_account_find(t, arena, key, &account, f);
        if (e == ERR_NOTFOUND)
            fault_set(f, e, "there is no user %.*s", SPAN_ARG(key));
        u->account = e == ERR_OK ? account.id : 0;
    }
    txn_read_end(&t);
    return e;
}

int admin_undelete(struct admin *a, const struct cli_args *args)
{
    struct fault f = FAULT_NONE;
    struct undelete u = {.op = {.apply = put_back}, .admin = a};
    const char *since = cli_value(args, "since");
    if (since && !when_parse(since, clock_wall(), &u.since)) {
        admin_complain(a, "--since %s: 2h, 3d, 2026-11-23 or 2026-11-23T20:00:00 is wanted", since);
        return CLI_USAGE;
    }
    struct arena *arena = arena_new();
    buf_init(&u.record, OUTLINE_RECORD_MAX);
    enum err e = find(&u, arena, cli_operand(args, 0), &f);
    if (e == ERR_OK)
        e = list(&u, arena, &f);
    if (e == ERR_OK && !cli_value(args, "list"))
        e = restore(&u, &f);
    buf_fini(&u.record);
    arena_free(&arena);
    return admin_failed(a, e, &f);
}
