#include "main/local.h"
#include "common/log.h"
#include "main/admin.h"
#include "main/config.h"
#include "main/control_client.h"
#include "main/privilege.h"
#include "main/terminal.h"
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define CACHE_BYTES (64u << 20) /* a command is short */

/* A command that runs here. */
struct local {
    struct admin admin;
    const struct cli_args *args;
};

static bool local_out(struct admin *a, struct span text)
{
    (void)a; /* there is one standard output */
    return terminal_write(STDOUT_FILENO, text.p, text.n);
}

static bool local_err(struct admin *a, struct span text)
{
    (void)a; /* there is one standard error */
    return terminal_write(STDERR_FILENO, text.p, text.n);
}

static long local_in(struct admin *a, char *into, size_t n)
{
    return terminal_read(((struct local *)(void *)a)->args, into, n);
}

static bool local_progress(struct admin *a, struct span line)
{
    (void)a; /* there is one terminal */
    if (line.n > 0)
        terminal_progress(line);
    return true; /* who has had enough interrupts the process */
}

/* --- where the store is --- */

/* The options of the store, from --dir or the configuration, which *config keeps. */
static int find_store(const struct cli_args *args, struct server_options *o, struct config **config)
{
    const char *dir = cli_value(args, "dir"), *file = cli_value(args, "config");
    server_options_init(o);
    o->store.dir = dir;
    if (dir && file) {
        fputs("mailstead: --dir and --config both name a store: one of them is enough\n", stderr);
        return CLI_USAGE;
    }
    if (!dir && !file && access(CONFIG_FILE, F_OK) != 0 && errno == ENOENT) {
        fputs("mailstead: there is no " CONFIG_FILE
              ": --dir DIR names a store, --config FILE another "
              "configuration\n",
              stderr);
        return CLI_CONFIG;
    }
    if (!dir) {
        *config = config_load(file ? file : CONFIG_FILE, stderr);
        if (!*config)
            return CLI_CONFIG;
        *o = (*config)->server;
    }
    if (o->store.cache_bytes > CACHE_BYTES)
        o->store.cache_bytes = CACHE_BYTES;
    return CLI_OK;
}

/* The commands that begin something make a store where there is none; the others must not. */
static bool may_make(const struct cli_args *args)
{
    return strcmp(args->command->name, "domain add") == 0 ||
           strcmp(args->command->name, "load") == 0;
}

static bool is_store(const char *dir)
{
    char path[PATH_MAX];
    struct stat is;
    snprintf(path, sizeof path, "%s/meta.db", dir);
    return stat(path, &is) == 0;
}

/* --- opening it here --- */

static int complain(enum err e, const struct fault *f)
{
    fprintf(stderr, "mailstead: %s%s\n", f->text,
            e == ERR_BUSY ? ", which does not answer at its control socket: is it just starting or "
                            "stopping?"
                          : "");
    return e == ERR_BUSY || e == ERR_FULL ? CLI_TEMPFAIL : e == ERR_INVALID ? CLI_DATA : CLI_IO;
}

/* Root lends a hand, but files in the store stay its owner's. */
static enum err become_owner(const struct server_options *o, bool from_config, struct fault *f)
{
    struct stat is;
    if (geteuid() == 0 && from_config && o->user && stat(o->store.dir, &is) != 0)
        return privilege_drop(o->user, o->store.dir, f);
    return privilege_owner(o->store.dir, f);
}

static int run_here(const struct server_options *o, bool from_config, const struct cli_args *args)
{
    struct fault f = FAULT_NONE;
    if (!is_store(o->store.dir) && !may_make(args)) {
        fprintf(stderr, "mailstead: there is no store in %s%s\n", o->store.dir,
                errno == EACCES ? " that we may see: permission denied" : "");
        return CLI_UNAVAILABLE;
    }
    enum err e = become_owner(o, from_config, &f);
    struct local here = {.admin = {.out = local_out,
                                   .err = local_err,
                                   .in = local_in,
                                   .hostname = o->hostname,
                                   .progress = local_progress,
                                   .scram_iteration_count = o->auth.scram_iteration_count},
                         .args = args};
    if (e == ERR_OK)
        e = store_open(&o->store, &here.admin.store, &f);
    if (e != ERR_OK)
        return complain(e, &f);
    int code = args->command->admin(&here.admin, args);
    terminal_progress(SPAN(""));
    store_close(&here.admin.store);
    return code;
}

int local_run(int argc, char **argv, const struct cli_args *args)
{
    struct server_options o;
    struct config *config = NULL;
    signal(SIGPIPE,
           SIG_IGN); /* a reader that is gone ends a command like an error, with the store closed */
    log_level(LOG_WARN);
    if (!terminal_can_ask(args))
        return CLI_USAGE;
    int code = find_store(args, &o, &config);
    if (code == CLI_OK &&
        control_client_call(o.store.dir, argc, argv, args, &code) == CONTROL_CLIENT_NOBODY)
        code = run_here(&o, config != NULL, args);
    config_free(&config);
    return code;
}
