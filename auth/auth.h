#pragma once /* auth/auth.h: who is it: a name and a password to an account */
#include "common/fault.h"
#include "common/post.h"
#include "common/span.h"
#include "store/store.h"

struct auth;

struct auth_options {
    bool lab;              /* no verifier: any password; unknown accounts are made at login */
    unsigned thread_count; /* that hash; 0: one a core */
    unsigned queue_count;  /* waiting verifications; beyond it the answer is ERR_BUSY */
    unsigned cache_s;      /* a right password is remembered (as a keyed hash); 0: never */
    unsigned fail_ms;      /* no failure is told sooner than this after the request */
    /* Wrong passwords from one address (IPv6: a /64) in a minute, and in a day; 0, or a lab: no
     * limit. */
    unsigned minute_count, day_count;
};
/* not lab, 0, 64, 600 s, 50 ms, 10, 100 */
extern const struct auth_options auth_options_default;

struct auth *auth_new(struct store *st, const struct auth_options *o);
void auth_free(struct auth **a); /* ends the threads; no request may be under way */

/* One question. Embedded in the asker's struct (mem_new); it must live until done, which is called exactly once, on home,
 * never from inside auth_check. */
struct auth_request {
    /* All spans are borrowed until done. user: an address, or a bare local-part that only one
     * account has. peer: the address of who asks, for the limits on guesses; may be empty. */
    struct span user, password, peer;
    struct post *home;
    void (*done)(struct auth_request *r);
    /* The answer. ERR_DENIED: no such account or wrong password (nobody learns which). ERR_BUSY:
     * try again, too much waits or too many guesses were wrong. Or ERR_FULL, ERR_IO. */
    enum err result;
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
