#include "auth/secret.h"
#include "common/arena.h"
#include "main/admin.h"
#include "store/directory.h"
#include <string.h>

#define PASSWORD_BYTES 1024
#define SLICE_MESSAGES 500 /* taken away in one operation */

struct user_op {
    struct store_op op;
    struct span address;
    struct credentials now; /* as looked at before the password was made */
    struct secret secret;
    bool done;
};

static enum err put_scram(struct txn *t, const struct user_op *u, uint64_t id, struct fault *f)
{
    return u->secret.scram_there ? credential_scram_put(t, id, &u->secret.scram, f) : ERR_OK;
}

static enum err add(struct txn *t, struct store_op *op, struct fault *f)
{
    struct user_op *u = (struct user_op *)(void *)op;
    uint64_t id;
    enum err e = directory_domain_find(t, admin_domain_of(u->address), f);
    if (e == ERR_OK)
        e = directory_account_add(t, u->address, span_cstr(u->secret.verifier), &id, f);
    return e == ERR_OK ? put_scram(t, u, id, f) : e;
}

static enum err set_verifier(struct txn *t, struct store_op *op, struct fault *f)
{
    struct user_op *u = (struct user_op *)(void *)op;
    struct account account;
    struct arena *a = arena_new();
    enum err e = directory_account_find(t, a, u->address, &account, f);
    if (e == ERR_OK)
        e = secret_same_salt(t, account.id, &u->now, f);
    if (e == ERR_OK)
        e = directory_account_verifier(t, u->address, span_cstr(u->secret.verifier), f);
    if (e == ERR_OK)
        e = put_scram(t, u, account.id, f);
    arena_free(&a);
    return e;
}

static enum err drop(struct txn *t, struct store_op *op, struct fault *f)
{
    struct user_op *u = (struct user_op *)(void *)op;
    return directory_account_remove(t, u->address, SLICE_MESSAGES, &u->done, f);
}

/* --- passwords --- */

/* One line of input without its end. */
static enum err read_password(struct admin *a, char out[PASSWORD_BYTES], size_t *n_out,
                              struct fault *f)
{
    size_t n = 0;
    long got = 1;
    while (n < PASSWORD_BYTES && !memchr(out, '\n', n) &&
           (got = a->in(a, out + n, PASSWORD_BYTES - n)) > 0)
        n += (size_t)got;
    if (got < 0)
        return fault_set(f, ERR_INVALID, "no password was given");
    if (n == PASSWORD_BYTES)
        return fault_set(f, ERR_LIMIT, "the password is too long");
    size_t end = span_find(span_of(out, n), '\n');
    if (end + 1 < n)
        return fault_set(f, ERR_INVALID, "one line with the password is wanted, there were more");
    *n_out = end > 0 && end < n && out[end - 1] == '\r' ? end - 1 : end;
    return ERR_OK;
}

/* From input, or made and shown. */
static enum err make_secret(struct admin *a, const struct cli_args *args, char made[64],
                            struct user_op *u, struct fault *f)
{
    char password[PASSWORD_BYTES] = "";
    size_t n = 0;
    enum err e = ERR_OK;
    made[0] = '\0';
    if (cli_value(args, "generate"))
        auth_generate(made);
    else
        e = read_password(a, password, &n, f);
    if (e == ERR_OK)
        e = secret_password(admin_iterations(a), &u->now,
                            *made ? span_cstr(made) : span_of(password, n), &u->secret, f);
    explicit_bzero(password, sizeof password);
    return e;
}

/* --- the commands --- */

/* What can be told before anybody is asked for a password. found: whether the account should be there. */
static enum err look(struct admin *a, struct arena *arena, struct span address, bool found,
                     struct credentials *now, struct fault *f)
{
    struct account account;
    struct txn *t = NULL;
    struct span domain = admin_domain_of(address);
    enum err e = txn_read(a->store, &t, f);
    if (e == ERR_OK && !found)
        e = directory_domain_find(t, domain, f);
    if (e == ERR_NOTFOUND)
        e = fault_set(f, e, "%.*s is not a domain of this server: mailstead domain add %.*s",
                      SPAN_ARG(domain), SPAN_ARG(domain));
    if (e == ERR_OK) {
        e = directory_account_find(t, arena, address, &account, f);
        if (e == ERR_OK && !found)
            e = fault_set(f, ERR_EXISTS, "user %.*s is there already", SPAN_ARG(address));
        else if (e == ERR_NOTFOUND)
            e = found ? fault_set(f, e, "there is no user %.*s", SPAN_ARG(address)) : ERR_OK;
    }
    if (e == ERR_OK && found)
        e = credential_read(t, arena, account.id, now, f);
    txn_read_end(&t);
    return e;
}

static enum err change(struct admin *a, const struct cli_args *args, struct arena *arena,
                       struct user_op *u, bool found, struct fault *f)
{
    char made[64];
    enum err e = look(a, arena, u->address, found, &u->now, f);
    if (e == ERR_OK)
        e = make_secret(a, args, made, u, f);
    if (e != ERR_OK)
        return e;
    e = admin_write(a, &u->op, f);
    if (e == ERR_OK && *made)
        admin_printf(a, "%s\n", made);
    explicit_bzero(made, sizeof made);
    return e;
}

static int change_user(struct admin *a, const struct cli_args *args, bool found)
{
    struct fault f = FAULT_NONE;
    struct arena *arena = arena_new();
    struct user_op u = {.op = {.apply = found ? set_verifier : add}};
    enum err e = admin_address(arena, cli_operand(args, 0), &u.address, &f);
    if (e == ERR_OK)
        e = change(a, args, arena, &u, found, &f);
    if (e == ERR_OK && a->auth)
        auth_forget(a->auth);
    arena_free(&arena);
    return admin_failed(a, e, &f);
}

int admin_user_add(struct admin *a, const struct cli_args *args)
{
    return change_user(a, args, false);
}

int admin_user_passwd(struct admin *a, const struct cli_args *args)
{
    return change_user(a, args, true);
}

int admin_user_remove(struct admin *a, const struct cli_args *args)
{
    struct fault f = FAULT_NONE;
    struct arena *arena = arena_new();
    struct user_op u = {.op = {.apply = drop}};
    enum err e = admin_address(arena, cli_operand(args, 0), &u.address, &f);
    if (e == ERR_OK)
        e = look(a, arena, u.address, true, &u.now, &f);
    for (uint64_t gone = 0; e == ERR_OK && !u.done; gone += SLICE_MESSAGES) {
        if (admin_progress(a, "user remove", gone, "messages"))
            e = admin_write(a, &u.op, &f);
        else
            e = fault_set(&f, ERR_BUSY, "stopped before its end: the same command goes on");
    }
    if (a->auth)
        auth_forget(a->auth);
    arena_free(&arena);
    return admin_failed(a, e, &f);
}

static bool list_one(void *arg, const struct account *account)
{
    admin_printf(arg, "%.*s\n", SPAN_ARG(account->address));
    return true;
}

static enum err list(struct admin *a, struct txn *t, struct arena *arena, struct fault *f)
{
    return directory_each_account(t, arena, list_one, a, f);
}

int admin_user_list(struct admin *a, const struct cli_args *args)
{
    (void)args; /* the table gives it to every command */
    return admin_list(a, list);
}
