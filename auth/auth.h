#pragma once /* auth/auth.h: who is it: a name and a password to an account */
#include "common/fault.h"
#include "common/post.h"
#include "common/span.h"
#include "store/credential.h"
#include "store/store.h"

struct auth;

/* What app passwords are limited to; bits. */
enum auth_protocol { AUTH_IMAP = 1, AUTH_SUBMISSION = 2, AUTH_POP3 = 4, AUTH_EVERYTHING = 7 };

struct auth_options {
    bool lab;              /* no verifier: any password; unknown accounts are made at login */
    unsigned thread_count; /* that hash; 0: one a core */
    unsigned queue_count;  /* waiting verifications; beyond it the answer is ERR_BUSY */
    unsigned cache_s;      /* a right password is remembered (as a keyed hash); 0: never */
    unsigned fail_ms;      /* no failure is told sooner than this after the request */
    /* Wrong passwords from one address (IPv6: a /64) in a minute, and in a day; 0, or a lab: no
     * limit. */
    unsigned minute_count, day_count;
    /* Of SCRAM, for passwords that are set from now on: at least 4096 (RFC 7677 §4), at most 65536, beyond which libsasl2 refuses. */
    unsigned scram_iteration_count;
    unsigned channel_binding;    /* 1: SCRAM is offered as -PLUS too, over TLS */
    unsigned only_app_passwords; /* 1: the passwords of accounts themselves log nobody in */
    /* Tokens of OAUTHBEARER and XOAUTH2; oauth_keys empty: not offered. Borrowed for the life of the auth. */
    const char *oauth_keys;     /* file: a JWK set (RFC 7517 §5) or PEM public keys */
    const char *oauth_issuer;   /* the "iss" that is wanted */
    const char *oauth_audience; /* one of "aud" */
    const char *oauth_claim;    /* names the account: "email" */
    const char *oauth_scope;    /* told to clients whose token is no good; may be empty */
    /* EXTERNAL: a file of lines "NAME ADDRESS": NAME is an e-mail address of a client certificate or sha256:HEX of the whole; empty: the
     * certificate's own e-mail address is that of the account. */
    const char *certificate_map;
};
/* not lab, 0, 64, 600 s, 50 ms, 10, 100, 10,000, 1, 0, no OAuth with "email", no map */
extern const struct auth_options auth_options_default;

struct auth *auth_new(struct store *st, const struct auth_options *o);
void auth_free(struct auth **a); /* ends the threads; no request may be under way */
/* Reads the files of the options; again on an error the old ones stay in force. Any thread. ERR_INVALID: the text says which file and why. */
enum err auth_load(struct auth *a, struct fault *f);
enum err auth_files_check(const struct auth_options *o, struct fault *f); /* would it? */

/* Why not; each has a response code of RFC 5530. */
enum auth_why {
    AUTH_WHY_NOT_AT_ALL,
    AUTH_WHY_WRONG,     /* no such account or wrong password: nobody learns which */
    AUTH_WHY_EXPIRED,   /* the right app password or token, too late */
    AUTH_WHY_FORBIDDEN, /* right, but not for this account, protocol or network */
    AUTH_WHY_CONTACT,   /* right, but there is no such account here */
    AUTH_WHY_LATER,     /* too many guesses, or we are busy */
    AUTH_WHY_COUNT
};

/* One question. Embedded in the asker's struct (mem_new); it must live until done, which is called exactly once, on home,
 * never from inside auth_check. */
struct auth_request {
    /* All spans are borrowed until done. user: an address, or a bare local-part that only one
     * account has. peer: the address of who asks, for the limits on guesses; may be empty. */
    struct span user, password, peer;
    enum auth_protocol protocol; /* 0: as IMAP */
    struct post *home;
    void (*done)(struct auth_request *r);
    /* The answer. ERR_DENIED: see why. ERR_BUSY: try again, too much waits or too many guesses were wrong. Or ERR_FULL, ERR_IO. */
    enum err result;
    enum auth_why why;
    uint64_t account;
    char address[320];                          /* key of the account, NUL-terminated */
    char credential[CREDENTIAL_NAME_BYTES + 1]; /* name of the app password it was, or empty */
    void *work;                                 /* auth's own */
};
void auth_check(struct auth *a, struct auth_request *r); /* on the thread of home */

/* A new verifier for a password: crypt(3), yescrypt. Takes about 50 ms: not on a loop. ERR_INVALID: empty, or with a NUL in it. */
enum err auth_verifier(struct span password, char out[256], struct fault *f);
/* A password for people: four words and digits, about 60 bits. */
void auth_generate(char out[64]);
/* Forget remembered passwords: after a change of password, of an app password or the end of an account. May block: not on a loop. */
void auth_forget(struct auth *a);

/* Of SCRAM for new passwords; a NULL: the default. */
unsigned auth_iterations(const struct auth *a);
/* Whether everybody who can log in at all can do so by SCRAM: only then it is offered, for clients pick it and do not try another. */
bool auth_scram(const struct auth *a);
