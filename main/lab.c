#include "main/lab.h"
#include "auth/secret.h"
#include "common/arena.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/trip.h"
#include "main/server.h"
#include "message/address.h"
#include "store/committer.h"
#include "store/directory.h"
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    enum server_service service;
    const char *option, *where, *key;
} doors[] = {{SERVER_SMTP, "smtp", "127.0.0.1:1025", "MAILSTEAD_SMTP"},
             {SERVER_SUBMISSION, "submission", "127.0.0.1:1587", "MAILSTEAD_SUBMISSION"},
             {SERVER_IMAP, "imap", "127.0.0.1:1143", "MAILSTEAD_IMAP"},
             {SERVER_IMAPS, "imaps", "127.0.0.1:1993", "MAILSTEAD_IMAPS"}};
#define DOORS (sizeof doors / sizeof *doors)

static int complain(enum err e, const struct fault *f)
{
    fprintf(stderr, "mailstead: %s\n", f->text);
    return e == ERR_INVALID ? CLI_USAGE : e == ERR_IO || e == ERR_FULL ? CLI_IO : CLI_TEMPFAIL;
}

/* --- accounts of --user --- */

struct user_op {
    struct store_op op;
    struct span address;
    struct secret secret;
};

static enum err user_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    struct user_op *u = (struct user_op *)(void *)op;
    struct span verifier = span_cstr(u->secret.verifier);
    struct account account = {.id = 0};
    struct arena *a = arena_new();
    enum err e = directory_account_find(t, a, u->address, &account, f);
    if (e == ERR_NOTFOUND)
        e = directory_account_add(t, u->address, verifier, &account.id, f);
    else if (e == ERR_OK)
        e = directory_account_verifier(t, u->address, verifier, f);
    if (e == ERR_OK && u->secret.scram_there)
        e = credential_scram_put(t, account.id, &u->secret.scram, f);
    arena_free(&a);
    return e;
}

static enum err add_user(struct store *st, const char *text, struct fault *f)
{
    struct arena *a = arena_new();
    struct user_op u = {.op = {.apply = user_apply, .actor = {.kind = ACTOR_ADMIN}}};
    struct address addr;
    const char *colon = strchr(text, ':'), *why = "it has no colon";
    const struct credentials none = {.apps = NULL};
    enum err e = ERR_OK;
    if (!colon || !address_parse(a, span_of(text, (size_t)(colon - text)), &addr, &why) ||
        !address_key(a, addr, &u.address))
        e = fault_set(f, ERR_INVALID, "--user %s: ADDRESS:PASSWORD is wanted: %s", text, why);
    else
        e = secret_password(auth_iterations(NULL), &none, span_cstr(colon + 1), &u.secret, f);
    if (e == ERR_OK)
        e = committer_run(st, &u.op, f);
    arena_free(&a);
    return e;
}

static enum err add_users(struct store *st, const struct cli_args *args, struct fault *f)
{
    enum err e = ERR_OK;
    const char *user;
    for (size_t i = 0; e == ERR_OK && (user = cli_value_nth(args, "user", i)); i++)
        e = add_user(st, user, f);
    return e;
}

/* --- telling where it is --- */

static void write_env(const struct server *s, FILE *out)
{
    for (size_t i = 0; i < DOORS; i++)
        fprintf(out, "%s=%.*s\n", doors[i].key, SPAN_ARG(server_where(s, doors[i].service, 0)));
    fprintf(out, "MAILSTEAD_CA=%s\nMAILSTEAD_PID=%ld\n", server_ca(s), (long)getpid());
}

static void write_block(const struct server *s, const struct cli_args *args, const char *dir)
{
    bool kept = cli_value(args, "dir") != NULL;
    printf("mailstead lab is ready\n"
           "  smtp        %.*s   any recipient; STARTTLS\n"
           "  submission  %.*s   with or without a login\n"
           "  imap        %.*s   %s; STARTTLS\n"
           "  imaps       %.*s\n"
           "  CA          %s\n"
           "  store       %s%s\n"
           "Nothing leaves this machine. Ctrl-C ends it.\n",
           SPAN_ARG(server_where(s, SERVER_SMTP, 0)),
           SPAN_ARG(server_where(s, SERVER_SUBMISSION, 0)),
           SPAN_ARG(server_where(s, SERVER_IMAP, 0)),
           cli_value(args, "only-users") ? "the users of --user alone" : "any user, any password",
           SPAN_ARG(server_where(s, SERVER_IMAPS, 0)), server_ca(s), dir,
           kept ? "" : " (forgotten at the end; --dir keeps it)");
}

/* Written beside and renamed: whoever sees the file sees all of it. */
static enum err write_ready_file(const struct server *s, const char *path, struct fault *f)
{
    char beside[4096];
    snprintf(beside, sizeof beside, "%s.%ld", path, (long)getpid());
    FILE *out = fopen(beside, "w");
    if (!out)
        return fault_set(f, ERR_IO, "--ready-file %s: %s", path, strerror(errno));
    write_env(s, out);
    bool bad = ferror(out) != 0;
    if ((fclose(out) != 0) | bad || rename(beside, path) != 0) {
        unlink(beside);
        return fault_set(f, ERR_IO, "--ready-file %s: %s", path, strerror(errno));
    }
    return ERR_OK;
}

static enum err tell(const struct server *s, const struct cli_args *args, const char *dir,
                     struct fault *f)
{
    const char *ready = cli_value(args, "ready-file");
    if (cli_value(args, "print"))
        write_env(s, stdout);
    else
        write_block(s, args, dir);
    fflush(stdout);
    return ready ? write_ready_file(s, ready, f) : ERR_OK;
}

/* --- the store's directory --- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw; /* nftw wants them */
    return remove(path);
}

static enum err temporary_dir(char *out, size_t n, struct fault *f)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(out, n, "%s/mailstead-lab.XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(out))
        return fault_set(f, ERR_IO, "cannot make a temporary store %s: %s", out, strerror(errno));
    return ERR_OK;
}

/* The names that --ready-file tells are used by others, in other directories. */
static const char *absolute_path(const char *dir, char out[PATH_MAX])
{
    char here[PATH_MAX];
    if (dir[0] == '/' || !getcwd(here, sizeof here) ||
        (size_t)snprintf(out, PATH_MAX, "%s/%s", here, dir) >= PATH_MAX)
        return dir;
    return out;
}

/* Faults that tests plant behind the start: MAILSTEAD_TRIP_READY, as MAILSTEAD_TRIP from the first instruction on. */
static enum err plant_faults(struct fault *f)
{
    if (!trip_arm_text(getenv("MAILSTEAD_TRIP_READY")))
        return fault_set(f, ERR_INVALID, "MAILSTEAD_TRIP_READY is not kind:nth[:errno][:ever]");
    return ERR_OK;
}

static int run(const struct cli_args *args, const char *dir)
{
    struct server_options o;
    server_options_init(&o);
    o.lab = o.route.lab = true;
    /* Any password is right; SCRAM cannot do that, and is offered only where each has its own. */
    o.auth.lab = !cli_value(args, "only-users");
    o.auth.minute_count = o.auth.day_count = 0;
    o.store.dir = dir;
    if (!cli_value(args, "dir")) /* what is forgotten anyway needs no room to recover */
        o.store.ballast_bytes = 0;
    o.smtp.ip_count = 0;
    o.imap.ip_count = 0;
    o.imap.user_count = 0;
    for (size_t i = 0; i < DOORS; i++) {
        const char *where = cli_value(args, doors[i].option);
        o.doors[o.door_count++] =
            (struct server_door){doors[i].service, where ? where : doors[i].where, -1};
    }
    struct fault f = FAULT_NONE;
    struct server *s = NULL;
    enum err e = server_start(&o, &s, &f);
    if (e == ERR_OK)
        e = add_users(server_store(s), args, &f);
    if (e == ERR_OK)
        e = plant_faults(&f);
    if (e == ERR_OK)
        e = tell(s, args, dir, &f);
    int code = e == ERR_OK ? server_wait(s) : complain(e, &f);
    server_stop(&s);
    if (trip_disarm())
        log_event(LOG_WARN, NULL, "lab.tripped", "code=%d", code);
    return code;
}

int lab_run(const struct cli_args *args)
{
    const char *print = cli_value(args, "print"), *dir = cli_value(args, "dir");
    if (print && strcmp(print, "env") != 0) {
        fprintf(stderr, "mailstead: --print knows only \"env\", not \"%s\"\n", print);
        return CLI_USAGE;
    }
    log_level(LOG_WARN);
    char absolute[PATH_MAX];
    if (dir)
        return run(args, absolute_path(dir, absolute));
    char temporary[4096];
    struct fault f = FAULT_NONE;
    enum err e = temporary_dir(temporary, sizeof temporary, &f);
    if (e != ERR_OK)
        return complain(e, &f);
    int code = run(args, temporary);
    nftw(temporary, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return code;
}
