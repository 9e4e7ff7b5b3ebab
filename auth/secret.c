#include "auth/secret.h"

#include "common/clock.h"
#include "auth/app_password.h"
#include "auth/scram.h"

#include <openssl/crypto.h>

/* App passwords cannot be hashed again: while there are some the salt stays. */
static void salt_for(unsigned iterations, const struct credentials *now,
                     struct credential_scram *out)
{
    if (now->scram_there && now->app_count > 0)
        *out = now->scram;
    else
        scram_init(out, iterations);
}

enum err secret_password(unsigned iterations, const struct credentials *now, struct span password,
                         struct secret *out, struct fault *f)
{
    enum err e = auth_verifier(password, out->verifier, f);
    if (e != ERR_OK)
        return e;
    salt_for(iterations, now, &out->scram);
    out->scram.own = scram_keys(&out->scram, password, &out->scram.keys);
    out->scram_there = out->scram.own;
    return ERR_OK;
}

void secret_app_password(unsigned iterations, const struct credentials *now, uint64_t account,
                         char shown[32], struct credential_app *app, struct credential_scram *scram)
{
    struct credential_app empty = {.created = clock_wall(), .protocols = AUTH_EVERYTHING};
    *app = empty;
    *scram = now->scram;
    if (!now->scram_there)
        scram_init(scram, iterations);
    app_password_make(shown);
    (void)app_password_digest(account, span_cstr(shown), app->digest);
    (void)scram_keys(scram, span_cstr(shown), &app->keys); /* plain ASCII */
}

enum err secret_same_salt(struct txn *t, uint64_t account, const struct credentials *now,
                          struct fault *f)
{
    struct credentials then;
    struct arena *a = arena_new();
    enum err e = credential_read(t, a, account, &then, f);
    bool same =
        e == ERR_OK && then.scram_there == now->scram_there &&
        (then.app_count > 0) == (now->app_count > 0) &&
        (!now->scram_there || memcmp(then.scram.salt, now->scram.salt, CREDENTIAL_SALT_BYTES) == 0);
    arena_free(&a);
    if (e == ERR_OK && !same)
        e = fault_set(f, ERR_BUSY, "its passwords have just been changed by somebody else");
    return e;
}
