#pragma once /* auth/secret.h: what a new password leaves behind in the store */
#include "auth/auth.h"

/* The parts of a password of an account: verifier for directory_account_verifier, and behind it scram for credential_scram_put. now: of
 * the account, as read before. scram_there: not for passwords that SCRAM cannot have (RFC 4013). Takes about 100 ms. */
struct secret {
    char verifier[256];
    struct credential_scram scram;
    bool scram_there;
};
/* iterations: auth_iterations. ERR_INVALID: as auth_verifier. */
enum err secret_password(unsigned iterations, const struct credentials *now, struct span password,
                         struct secret *out, struct fault *f);
/* A new app password of that account: shown once, the rest for credential_app_add, behind credential_scram_put. The caller
 * fills in name, protocols, expires and from. Tens of milliseconds. */
void secret_app_password(unsigned iterations, const struct credentials *now, uint64_t account,
                         char shown[32], struct credential_app *app,
                         struct credential_scram *scram);
/* In the operation that writes them: whether the salt is that of now still. ERR_BUSY: no, begin anew. */
enum err secret_same_salt(struct txn *t, uint64_t account, const struct credentials *now,
                          struct fault *f);
