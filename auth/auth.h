#pragma once /* auth/auth.h: who is it: a name and a password to an account */
#include "common/fault.h"
#include "common/post.h"
#include "common/span.h"
#include "store/store.h"

struct auth;

struct auth_options {
    bool
        lab; /* accounts without a verifier take any password; unknown ones are made at first login */
    unsigned thread_count; /* that hash; 0: one a core */
    unsigned queue_count;  /* waiting verifications; beyond it the answer is ERR_BUSY */
    unsigned cache_s; /* a verified password is remembered (as a keyed hash) so long; 0: never */
    unsigned fail_ms; /* no failure is told sooner than this after the request */
};
extern const struct auth_options auth_options_default; /* not lab, 0, 64, 600 s, 50 ms */

struct auth *auth_new(struct store *st, const struct auth_options *o);
void auth_free(struct auth **a); /* ends the threads; no request may be under way */

/* One question. Embedded in the asker's struct (mem_new); it must live until done, which is called exactly once, on home,
 * never from inside auth_check. */
struct auth_request {
    struct span user,
        password; /* borrowed until done; user: an address, or a bare local-part that only one account has */
    struct post *home;
    void (*done)(struct auth_request *r);
    /* The answer: */
    enum err
        result; /* ERR_OK; ERR_DENIED: no such account or wrong password (nobody learns which); ERR_BUSY: try again; or ERR_FULL, ERR_IO */
    uint64_t account;
    char address[320]; /* key of the account, NUL-terminated */
    void *work;        /* auth's own */
};
void auth_check(struct auth *a, struct auth_request *r); /* on the thread of home */

/* A new verifier for a password: crypt(3), yescrypt. Takes about 50 ms: not on a loop. ERR_INVALID: empty, or with a NUL in it. */
enum err auth_verifier(struct span password, char out[256], struct fault *f);
/* A password for people: four words and digits, about 60 bits. */
void auth_generate(char out[64]);
/* Forget remembered passwords: after a change of password or the end of an account. Any thread. */
void auth_forget(struct auth *a);

/* PLAIN, RFC 4616 §2: [authzid] NUL authcid NUL passwd. False: malformed, or an authzid that is not the authcid. Spans point into message. */
bool auth_plain(struct span message, struct span *user_out, struct span *password_out);
