#include "auth/app_password.h"
#include "auth/secret.h"
#include "common/arena.h"
#include "common/clock.h"
#include "main/admin.h"
#include "main/when.h"
#include "store/directory.h"

#include <string.h>
#include <time.h>

static const struct {
    const char *name;
    enum auth_protocol bit;
} protocols[] = {{"imap", AUTH_IMAP},
                 {"submission", AUTH_SUBMISSION},
                 {"pop3", AUTH_POP3},
                 {"smtp", AUTH_SUBMISSION}}; /* another name of it */

struct app_op {
    struct store_op op;
    struct arena *arena;
    struct span address, name;
    struct account account;
    struct credentials now; /* as looked at before the password was made */
    struct credential_app app;
    struct credential_scram scram;
};

static enum err add(struct txn *t, struct store_op *op, struct fault *f)
{
    struct app_op *o = (struct app_op *)(void *)op;
    struct account account;
    enum err e = directory_account_find(t, o->arena, o->address, &account, f);
    if (e == ERR_OK && account.id != o->account.id)
        e = fault_set(f, ERR_BUSY, "the account has just been made anew");
    if (e == ERR_OK)
        e = secret_same_salt(t, account.id, &o->now, f);
    if (e == ERR_OK)
        e = credential_app_add(t, account.id, &o->app, f);
    if (e == ERR_OK && !o->now.scram_there)
        e = credential_scram_put(t, account.id, &o->scram, f);
    return e;
}

static enum err drop(struct txn *t, struct store_op *op, struct fault *f)
{
    struct app_op *o = (struct app_op *)(void *)op;
    return credential_app_remove(t, o->account.id, o->name, f);
}

/* --- what is wanted --- */

static enum err read_protocols(const struct cli_args *args, unsigned *out, struct fault *f)
{
    const char *text;
    for (size_t i = 0; (text = cli_value_nth(args, "protocol", i)) != NULL; i++) {
        size_t k = 0, n = sizeof protocols / sizeof *protocols;
        while (k < n && strcmp(protocols[k].name, text) != 0)
            k++;
        if (k == n)
            return fault_set(f, ERR_INVALID, "--protocol %s: imap, submission or pop3 is wanted",
                             text);
        *out = (i == 0 ? 0 : *out) | protocols[k].bit;
    }
    return ERR_OK;
}

/* 90d is in so many days. */
static enum err read_expires(const struct cli_args *args, int64_t *out, struct fault *f)
{
    const char *text = cli_value(args, "expires");
    int64_t when, now = clock_wall();
    if (!text)
        return ERR_OK;
    if (!when_parse(text, 0, &when))
        return fault_set(f, ERR_INVALID, "--expires %s: 90d or 2027-12-31 is wanted", text);
    *out = when <= 0 ? now - when : when;
    return *out > now ? ERR_OK : fault_set(f, ERR_INVALID, "--expires %s: that is past", text);
}

static enum err read_networks(const struct cli_args *args, struct arena *a, struct span *out,
                              struct fault *f)
{
    const char *text;
    for (size_t i = 0; (text = cli_value_nth(args, "from", i)) != NULL; i++) {
        if (!app_password_networks(span_cstr(text)))
            return fault_set(f, ERR_INVALID, "--from %s: a network such as 192.0.2.0/24 is wanted",
                             text);
        *out = arena_printf(a, "%.*s%s%s", SPAN_ARG(*out), i ? "," : "", text);
    }
    if (out->n > CREDENTIAL_FROM_BYTES)
        return fault_set(f, ERR_LIMIT, "--from: too many networks");
    return ERR_OK;
}

/* --- the commands --- */

/* The account and what it has now. */
static enum err look(struct admin *a, const struct cli_args *args, struct app_op *o,
                     struct fault *f)
{
    struct txn *t = NULL;
    enum err e = admin_address(o->arena, cli_operand(args, 0), &o->address, f);
    if (e == ERR_OK)
        e = txn_read(a->store, &t, f);
    if (e == ERR_OK)
        e = directory_account_find(t, o->arena, o->address, &o->account, f);
    if (e == ERR_NOTFOUND)
        e = fault_set(f, e, "there is no user %.*s", SPAN_ARG(o->address));
    if (e == ERR_OK)
        e = credential_read(t, o->arena, o->account.id, &o->now, f);
    txn_read_end(&t);
    return e;
}

int admin_app_password_add(struct admin *a, const struct cli_args *args)
{
    struct fault f = FAULT_NONE;
    struct app_op o = {.op = {.apply = add}, .arena = arena_new()};
    char shown[32];
    unsigned allowed = AUTH_EVERYTHING;
    int64_t expires = 0;
    struct span from = SPAN("");
    enum err e = read_protocols(args, &allowed, &f);
    if (e == ERR_OK)
        e = read_expires(args, &expires, &f);
    if (e == ERR_OK)
        e = read_networks(args, o.arena, &from, &f);
    if (e == ERR_OK)
        e = look(a, args, &o, &f);
    if (e == ERR_OK) {
        secret_app_password(admin_iterations(a), &o.now, o.account.id, shown, &o.app, &o.scram);
        o.app.name = span_cstr(cli_operand(args, 1));
        o.app.protocols = allowed;
        o.app.expires = expires;
        o.app.from = from;
        e = admin_write(a, &o.op, &f);
    }
    if (e == ERR_OK)
        admin_printf(a, "%s\n", shown);
    explicit_bzero(shown, sizeof shown);
    if (e == ERR_OK && allowed == AUTH_POP3)
        admin_complain(a, "note: this server does not speak POP3 yet: nobody can use it so far");
    if (e == ERR_OK && a->auth)
        auth_forget(a->auth);
    arena_free(&o.arena);
    return admin_failed(a, e, &f);
}

int admin_app_password_remove(struct admin *a, const struct cli_args *args)
{
    struct fault f = FAULT_NONE;
    struct app_op o = {
        .op = {.apply = drop}, .arena = arena_new(), .name = span_cstr(cli_operand(args, 1))};
    enum err e = look(a, args, &o, &f);
    if (e == ERR_OK)
        e = admin_write(a, &o.op, &f);
    if (e == ERR_OK && a->auth)
        auth_forget(a->auth);
    arena_free(&o.arena);
    return admin_failed(a, e, &f);
}

/* UTC; "never" for 0. */
static const char *moment(int64_t when, char out[32])
{
    time_t at = when;
    struct tm tm;
    if (when == 0 || !gmtime_r(&at, &tm) || strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        return "never";
    return out;
}

static void print_one(struct admin *a, const struct credential_app *app)
{
    char made[32], expires[32], used[32];
    admin_printf(a, "%.*s\t", SPAN_ARG(app->name));
    const char *between = "";
    for (size_t i = 0; i < 3; i++) {
        if (app->protocols & protocols[i].bit) {
            admin_printf(a, "%s%s", between, protocols[i].name);
            between = ",";
        }
    }
    admin_printf(a, "\t%.*s\t%s\t%s\t%s\t%.*s\n",
                 SPAN_ARG(app->from.n ? app->from : SPAN("everywhere")), moment(app->created, made),
                 moment(app->expires, expires), moment(app->used, used), SPAN_ARG(app->used_from));
}

int admin_app_password_list(struct admin *a, const struct cli_args *args)
{
    struct fault f = FAULT_NONE;
    struct app_op o = {.arena = arena_new()};
    enum err e = look(a, args, &o, &f);
    for (size_t i = 0; e == ERR_OK && i < o.now.app_count; i++)
        print_one(a, &o.now.apps[i]);
    arena_free(&o.arena);
    return admin_failed(a, e, &f);
}
