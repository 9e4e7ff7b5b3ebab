#include "common/arena.h"
#include "main/admin.h"
#include "store/directory.h"
#include "store/quota.h"

#include <inttypes.h>
#include <stdlib.h>

struct quota_op {
    struct store_op op;
    struct arena *arena;
    struct span address;
    struct {
        bool given;
        uint64_t value;
    } bytes, messages, mailboxes;
};

static enum err apply(struct txn *t, struct store_op *op, struct fault *f)
{
    struct quota_op *p = (struct quota_op *)(void *)op;
    struct account account;
    struct quota q;
    enum err e = directory_account_find(t, p->arena, p->address, &account, f);
    if (e == ERR_NOTFOUND)
        return fault_set(f, e, "there is no account %.*s", SPAN_ARG(p->address));
    if (e == ERR_OK)
        e = quota_get(t, account.id, &q, f);
    if (e != ERR_OK)
        return e;
    if (p->bytes.given)
        q.limit.bytes = p->bytes.value;
    if (p->messages.given)
        q.limit.messages = p->messages.value;
    if (p->mailboxes.given)
        q.limit.mailboxes = p->mailboxes.value;
    return quota_set(t, account.id, &q.limit, f);
}

/* "none", "default", or a number with K, M, G or T for powers of 1024. */
static bool parse(const char *text, bool *given, uint64_t *value)
{
    static const char units[] = "KMGT";
    char *end;
    *given = text != NULL;
    if (!text)
        return true;
    *value = strcmp(text, "none") == 0 ? QUOTA_NONE : 0;
    if (*value || strcmp(text, "default") == 0)
        return true;
    unsigned long long n = strtoull(text, &end, 10);
    const char *unit = *end ? strchr(units, *end) : NULL;
    unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
    if (text[0] < '0' || text[0] > '9' || end[unit != NULL] || n == 0 ||
        n > (unsigned long long)INT64_MAX >> shift)
        return false;
    *value = (uint64_t)n << shift;
    return true;
}

int admin_quota_set(struct admin *a, const struct cli_args *args)
{
    struct fault f = FAULT_NONE;
    struct arena *arena = arena_new();
    struct quota_op p = {.op = {.apply = apply}, .arena = arena};
    enum err e = admin_address(arena, cli_operand(args, 0), &p.address, &f);
    if (e == ERR_OK &&
        !(parse(cli_value(args, "bytes"), &p.bytes.given, &p.bytes.value) &&
          parse(cli_value(args, "messages"), &p.messages.given, &p.messages.value) &&
          parse(cli_value(args, "mailboxes"), &p.mailboxes.given, &p.mailboxes.value)))
        e = fault_set(&f, ERR_INVALID,
                      "a quota is a number like 500M, \"none\", or \"default\" for what the "
                      "configuration says");
    else if (e == ERR_OK && !p.bytes.given && !p.messages.given && !p.mailboxes.given)
        e = fault_set(&f, ERR_INVALID, "which quota? --bytes, --messages or --mailboxes");
    if (e == ERR_OK)
        e = admin_write(a, &p.op, &f);
    arena_free(&arena);
    return admin_failed(a, e, &f);
}

/* --- quota list --- */

struct listing {
    struct admin *admin;
    struct txn *txn;
    enum err e;
    struct fault *fault;
};

static void put(struct admin *a, uint64_t used, uint64_t limit)
{
    if (limit)
        admin_printf(a, "\t%" PRIu64 "/%" PRIu64, used, limit);
    else
        admin_printf(a, "\t%" PRIu64 "/-", used);
}

static bool list_one(void *arg, const struct account *account)
{
    struct listing *l = arg;
    struct quota q;
    l->e = quota_get(l->txn, account->id, &q, l->fault);
    if (l->e != ERR_OK)
        return false;
    struct quota_amount limit = quota_limits(l->txn, &q);
    admin_printf(l->admin, "%.*s", SPAN_ARG(account->address));
    put(l->admin, q.used.bytes, limit.bytes);
    put(l->admin, q.used.messages, limit.messages);
    put(l->admin, q.used.mailboxes, limit.mailboxes);
    admin_printf(l->admin, "\n");
    return true;
}

static enum err list(struct admin *a, struct txn *t, struct arena *arena, struct fault *f)
{
    struct listing l = {a, t, ERR_OK, f};
    enum err e = directory_each_account(t, arena, list_one, &l, f);
    return e == ERR_OK ? l.e : e;
}

int admin_quota_list(struct admin *a, const struct cli_args *args)
{
    (void)args; /* the table gives it to every command */
    return admin_list(a, list);
}
