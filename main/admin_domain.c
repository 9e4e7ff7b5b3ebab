#include "common/arena.h"
#include "main/admin.h"
#include "store/directory.h"

struct domain_op {
    struct store_op op;
    struct span domain;
};

static enum err add(struct txn *t, struct store_op *op, struct fault *f)
{
    return directory_domain_add(t, ((struct domain_op *)(void *)op)->domain, f);
}

static enum err drop(struct txn *t, struct store_op *op, struct fault *f)
{
    return directory_domain_remove(t, ((struct domain_op *)(void *)op)->domain, f);
}

static enum err change(struct admin *a, struct arena *arena, const char *text,
                       enum err (*apply)(struct txn *, struct store_op *, struct fault *),
                       struct fault *f)
{
    struct domain_op op = {.op = {.apply = apply}};
    enum err e = admin_domain(arena, text, &op.domain, f);
    return e == ERR_OK ? admin_write(a, &op.op, f) : e;
}

/* Each for itself: one that fails does not keep the others from being done. */
static int change_all(struct admin *a, const struct cli_args *args,
                      enum err (*apply)(struct txn *, struct store_op *, struct fault *))
{
    struct arena *arena = arena_new();
    int code = CLI_OK;
    const char *text;
    for (size_t i = 0; (text = cli_operand(args, i)); i++) {
        struct fault f = FAULT_NONE;
        enum err e = change(a, arena, text, apply, &f);
        if (e == ERR_EXISTS)
            e = fault_set(&f, e, "domain %s is there already", text);
        else if (e == ERR_NOTFOUND)
            e = fault_set(&f, e, "there is no domain %s", text);
        int failed = admin_failed(a, e, &f);
        code = failed != CLI_OK ? failed : code;
    }
    arena_free(&arena);
    return code;
}

int admin_domain_add(struct admin *a, const struct cli_args *args)
{
    return change_all(a, args, add);
}

int admin_domain_remove(struct admin *a, const struct cli_args *args)
{
    return change_all(a, args, drop);
}

static bool list_one(void *arg, struct span domain)
{
    admin_printf(arg, "%.*s\n", SPAN_ARG(domain));
    return true;
}

int admin_domain_list(struct admin *a, const struct cli_args *args)
{
    (void)args; /* the table gives it to every command */
    struct fault f = FAULT_NONE;
    struct txn *t = NULL;
    enum err e = txn_read(a->store, &t, &f);
    if (e == ERR_OK)
        e = directory_each_domain(t, list_one, a, &f);
    txn_read_end(&t);
    return admin_failed(a, e, &f);
}
