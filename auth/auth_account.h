#pragma once /* auth/auth_account.h: who is meant by a user name, and what that account can log in with */
#include "store/credential.h"
#include "store/directory.h"

#define AUTH_ACCOUNT_ADDRESS_BYTES 320 /* longest address of an account that logs in, with a NUL */

struct auth_account {
    struct span
        key; /* its address; empty: no address can be made of the name. Also of accounts that are not there */
    uint64_t id;
    struct span verifier;
    struct credentials credentials;
};

/* user: an address, or a bare local-part that only one account has; in a lab one that nobody has is taken to be at localhost. The texts are in a.
 * ERR_NOTFOUND: nobody, with key alone. */
enum err auth_account_find(struct store *st, bool lab, struct arena *a, struct span user,
                           struct auth_account *out, struct fault *f);
/* Accounts that have a password, but no SCRAM keys of it: in a snapshot, all of them read. */
enum err auth_account_without_scram(struct store *st, unsigned *out, struct fault *f);
