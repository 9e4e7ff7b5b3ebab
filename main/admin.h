#pragma once /* main/admin.h: commands on an open store: called by a thread of the control socket, or by the command line itself */
#include "auth/auth.h"
#include "common/arena.h"
#include "common/span.h"
#include "main/cli.h"
#include "store/committer.h"
#include "store/store.h"

/* Where a command reads and writes. May block: never on a loop. */
struct admin {
    struct store *store;
    struct auth *auth; /* of the running server, to be told of changes; or NULL */
    bool (*out)(struct admin *a, struct span text); /* to the person; false: gone */
    bool (*err)(struct admin *a, struct span text);
    long (*in)(struct admin *a, char *into,
               size_t n); /* bytes of the person's input; 0 at the end, -1: there is none */
    const char *hostname;
    /* How far it is, for a terminal; "" only asks. False: the person has gone or the server ends, and so should the command. */
    bool (*progress)(struct admin *a, struct span line);
    uint64_t progress_ms;           /* clock_ms of the last line */
    unsigned scram_iteration_count; /* of the configuration, for where auth is NULL */
};
/* Of SCRAM, for passwords that are set. */
unsigned admin_iterations(const struct admin *a);
void admin_printf(struct admin *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "mailstead: ..." with a line end to err. */
void admin_complain(struct admin *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "what: 120,000 unit" to progress, where the last such line is not too fresh. Any number of times; result as progress. */
bool admin_progress(struct admin *a, const char *what, uint64_t n, const char *unit);
/* An exit code for a failure, said to err; ERR_OK is CLI_OK and says nothing. */
int admin_failed(struct admin *a, enum err e, const struct fault *f);
/* An operation of the administrator's, done when this returns. */
enum err admin_write(struct admin *a, struct store_op *op, struct fault *f);
/* Runs each in one snapshot, with an arena of its own; an exit code. */
int admin_list(struct admin *a, enum err (*each)(struct admin *a, struct txn *t,
                                                 struct arena *arena, struct fault *f));
/* The key of an address or a domain as a person writes it, in arena. ERR_INVALID. */
enum err admin_address(struct arena *arena, const char *text, struct span *key_out,
                       struct fault *f);
enum err admin_domain(struct arena *arena, const char *text, struct span *key_out, struct fault *f);
/* What follows the last "@" of a key. */
struct span admin_domain_of(struct span key);

/* The commands; the table is in main/commands.c. */
int admin_domain_add(struct admin *a, const struct cli_args *args);
int admin_domain_remove(struct admin *a, const struct cli_args *args);
int admin_domain_list(struct admin *a, const struct cli_args *args);
int admin_user_add(struct admin *a, const struct cli_args *args);
int admin_user_remove(struct admin *a, const struct cli_args *args);
int admin_user_list(struct admin *a, const struct cli_args *args);
int admin_user_passwd(struct admin *a, const struct cli_args *args);
int admin_app_password_add(struct admin *a, const struct cli_args *args);
int admin_app_password_remove(struct admin *a, const struct cli_args *args);
int admin_app_password_list(struct admin *a, const struct cli_args *args);
int admin_alias_add(struct admin *a, const struct cli_args *args);
int admin_alias_remove(struct admin *a, const struct cli_args *args);
int admin_alias_list(struct admin *a, const struct cli_args *args);
int admin_share_add(struct admin *a, const struct cli_args *args);
int admin_share_create(struct admin *a, const struct cli_args *args);
int admin_share_list(struct admin *a, const struct cli_args *args);
int admin_share_set(struct admin *a, const struct cli_args *args);
int admin_share_unset(struct admin *a, const struct cli_args *args);
int admin_share_rights(struct admin *a, const struct cli_args *args);
int admin_quota_set(struct admin *a, const struct cli_args *args);
int admin_quota_list(struct admin *a, const struct cli_args *args);
int admin_store_check(struct admin *a, const struct cli_args *args);
int admin_store_dump(struct admin *a, const struct cli_args *args);
int admin_store_reindex(struct admin *a, const struct cli_args *args);
int admin_store_load(struct admin *a, const struct cli_args *args);
int admin_store_stats(struct admin *a, const struct cli_args *args);
int admin_undelete(struct admin *a, const struct cli_args *args);
