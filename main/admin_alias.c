#include "common/arena.h"
#include "main/admin.h"
#include "store/directory.h"

struct alias_op {
    struct store_op op;
    struct arena *arena;
    struct span key;
    const struct span *targets; /* to be added to those that are there */
    size_t n;
};

static bool has(const struct span *list, size_t n, struct span s)
{
    for (size_t i = 0; i < n; i++)
        if (span_eq(list[i], s))
            return true;
    return false;
}

static enum err add(struct txn *t, struct store_op *op, struct fault *f)
{
    struct alias_op *p = (struct alias_op *)(void *)op;
    struct span *old = NULL, domain = admin_domain_of(p->key);
    size_t old_n = 0, n = 0;
    enum err e = directory_domain_find(t, domain, f);
    if (e == ERR_NOTFOUND)
        return fault_set(f, ERR_NOTFOUND,
                         "%.*s is not a domain of this server: mailstead domain add %.*s",
                         SPAN_ARG(domain), SPAN_ARG(domain));
    if (e == ERR_OK)
        e = directory_alias_find(t, p->arena, p->key, &old, &old_n, f);
    if (e != ERR_OK && e != ERR_NOTFOUND)
        return e;
    struct span *all = arena_alloc(p->arena, (old_n + p->n) * sizeof *all);
    for (; n < old_n; n++)
        all[n] = old[n];
    for (size_t i = 0; i < p->n; i++)
        if (!has(all, n, p->targets[i]))
            all[n++] = p->targets[i];
    return directory_alias_put(t, p->key, all, n, f);
}

static enum err drop(struct txn *t, struct store_op *op, struct fault *f)
{
    struct alias_op *p = (struct alias_op *)(void *)op;
    enum err e = directory_alias_remove(t, p->key, f);
    return e == ERR_NOTFOUND ? fault_set(f, e, "there is no alias %.*s", SPAN_ARG(p->key)) : e;
}

/* An address, or "@domain" for the catch-all. */
static enum err alias_key(struct arena *arena, const char *text, struct span *key_out,
                          struct fault *f)
{
    if (text[0] != '@')
        return admin_address(arena, text, key_out, f);
    struct span domain;
    enum err e = admin_domain(arena, text + 1, &domain, f);
    if (e == ERR_OK)
        *key_out = arena_printf(arena, "@%.*s", SPAN_ARG(domain));
    return e;
}

/* Whether somebody is there under that key: ERR_OK, ERR_NOTFOUND, or ERR_DENIED for a domain of others. */
static enum err who(struct txn *t, struct arena *arena, struct span key, struct fault *f)
{
    struct account account;
    struct span *targets;
    size_t n;
    enum err e = directory_domain_find(t, admin_domain_of(key), f);
    if (e == ERR_NOTFOUND)
        return ERR_DENIED;
    if (e == ERR_OK)
        e = directory_account_find(t, arena, key, &account, f);
    return e == ERR_NOTFOUND ? directory_alias_find(t, arena, key, &targets, &n, f) : e;
}

/* A target may come later, or leave the house one day: it is told, not refused. */
static enum err warn(struct admin *a, const struct alias_op *p, struct fault *f)
{
    struct txn *t = NULL;
    enum err e = txn_read(a->store, &t, f);
    for (size_t i = 0; e == ERR_OK && i < p->n; i++) {
        enum err is = who(t, p->arena, p->targets[i], f);
        if (is == ERR_DENIED)
            admin_complain(a,
                           "warning: %.*s is not at a domain of this server, which does not send "
                           "mail on: that target gets nothing",
                           SPAN_ARG(p->targets[i]));
        else if (is == ERR_NOTFOUND)
            admin_complain(a, "warning: nobody is there yet: %.*s", SPAN_ARG(p->targets[i]));
        else
            e = is;
    }
    txn_read_end(&t);
    return e;
}

int admin_alias_add(struct admin *a, const struct cli_args *args)
{
    struct fault f = FAULT_NONE;
    struct arena *arena = arena_new();
    struct span *targets = arena_alloc(arena, CLI_VALUE_COUNT * sizeof *targets);
    struct alias_op p = {.op = {.apply = add}, .arena = arena, .targets = targets};
    enum err e = alias_key(arena, cli_operand(args, 0), &p.key, &f);
    const char *target;
    for (; e == ERR_OK && (target = cli_operand(args, p.n + 1)); p.n++)
        e = admin_address(arena, target, &targets[p.n], &f);
    if (e == ERR_OK)
        e = admin_write(a, &p.op, &f);
    if (e == ERR_OK)
        e = warn(a, &p, &f);
    arena_free(&arena);
    return admin_failed(a, e, &f);
}

int admin_alias_remove(struct admin *a, const struct cli_args *args)
{
    struct fault f = FAULT_NONE;
    struct arena *arena = arena_new();
    struct alias_op p = {.op = {.apply = drop}, .arena = arena};
    enum err e = alias_key(arena, cli_operand(args, 0), &p.key, &f);
    if (e == ERR_OK)
        e = admin_write(a, &p.op, &f);
    arena_free(&arena);
    return admin_failed(a, e, &f);
}

static bool list_one(void *arg, struct span key, const struct span *targets, size_t n)
{
    admin_printf(arg, "%.*s", SPAN_ARG(key));
    for (size_t i = 0; i < n; i++)
        admin_printf(arg, " %.*s", SPAN_ARG(targets[i]));
    admin_printf(arg, "\n");
    return true;
}

static enum err list(struct admin *a, struct txn *t, struct arena *arena, struct fault *f)
{
    return directory_each_alias(t, arena, list_one, a, f);
}

int admin_alias_list(struct admin *a, const struct cli_args *args)
{
    (void)args; /* the table gives it to every command */
    return admin_list(a, list);
}
