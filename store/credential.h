#pragma once /* store/credential.h: what an account can log in with besides its password: SCRAM keys, app passwords */
#include "common/arena.h"
#include "store/txn.h"

/* SHA-1, SHA-256 and SHA-512: the hashes of SCRAM, RFC 5802 and RFC 7677. */
#define CREDENTIAL_HASHES 3
#define CREDENTIAL_SALT_BYTES 16
/* StoredKey and ServerKey of each hash, RFC 5802 §3: 2 * (20 + 32 + 64). */
#define CREDENTIAL_KEYS_BYTES 232
#define CREDENTIAL_DIGEST_BYTES 32
#define CREDENTIAL_NAME_BYTES 64   /* longest name of an app password */
#define CREDENTIAL_FROM_BYTES 1024 /* longest list of networks */
#define CREDENTIAL_APP_COUNT 100   /* app passwords of one account */

struct credential_keys {
    char bytes[CREDENTIAL_KEYS_BYTES];
};

/* One for each account: salt and iterations are those of its password and of all its app passwords, so that a server can tell them before
 * it knows which one the client has. */
struct credential_scram {
    char salt[CREDENTIAL_SALT_BYTES];
    uint32_t iterations[CREDENTIAL_HASHES];
    bool own; /* keys are those of the account's password; else only app passwords have some */
    struct credential_keys keys;
};

/* A password that a program was given. */
struct credential_app {
    struct span name; /* unique in its account; UTF-8 */
    char digest[CREDENTIAL_DIGEST_BYTES];
    struct credential_keys keys;
    int64_t created, expires, used; /* wall clock seconds; expires and used: 0 for never */
    unsigned protocols;             /* bits of enum auth_protocol */
    struct span from;               /* networks with commas between them; empty: from anywhere */
    struct span used_from;          /* the address of the last use */
};

struct credentials {
    bool scram_there;
    struct credential_scram scram;
    struct credential_app *apps; /* by name */
    size_t app_count;
};
/* Everything of an account; its texts are in a. Without rows: nothing. */
enum err credential_read(struct txn *t, struct arena *a, uint64_t account, struct credentials *out,
                         struct fault *f);
enum err credential_scram_put(struct txn *t, uint64_t account, const struct credential_scram *scram,
                              struct fault *f);
/* ERR_EXISTS, ERR_INVALID: a name that is empty, too long or not UTF-8; ERR_LIMIT: CREDENTIAL_APP_COUNT are there. */
enum err credential_app_add(struct txn *t, uint64_t account, const struct credential_app *app,
                            struct fault *f);
enum err credential_app_remove(struct txn *t, uint64_t account, struct span name,
                               struct fault *f); /* ERR_NOTFOUND */
/* Remembers a use. One of a password that is gone, or was made anew after created, is passed over. */
enum err credential_app_used(struct txn *t, uint64_t account, const struct credential_app *app,
                             int64_t when, struct span from, struct fault *f);
/* The password has changed or gone: its SCRAM keys go, app passwords stay. */
enum err credential_forget(struct txn *t, uint64_t account, struct fault *f);
/* The account goes, and everything of it. */
enum err credential_purge(struct txn *t, uint64_t account, struct fault *f);

/* A number that only this store knows, from which salts for users who are not there are made, the same after every restart. ERR_NOTFOUND until
 * credential_secret_put. */
enum err credential_secret(struct txn *t, uint64_t *out, struct fault *f);
enum err credential_secret_put(struct txn *t, uint64_t secret, struct fault *f);

/* --- inside store/: dump and check --- */
/* One row: false: damaged. app_out->name is empty where the row is of scram_out. */
bool credential_row_of(struct span key, struct span value, uint64_t *account,
                       struct credential_scram *scram_out, struct credential_app *app_out);
/* The key and value of such a row, of the one of scram and app that is not NULL. Replaces what is in them. */
void credential_row(uint64_t account, const struct credential_scram *scram,
                    const struct credential_app *app, struct buf *key, struct buf *value);
