#include "auth/password.h"

#include "common/mem.h"
#include "common/rand.h"

#include <crypt.h>
#include <openssl/crypto.h>

struct password_work {
    struct crypt_data data;
    char phrase[PASSWORD_BYTES];
    char setting[PASSWORD_VERIFIER_BYTES];
};

_Static_assert(PASSWORD_BYTES <= CRYPT_MAX_PASSPHRASE_SIZE, "libxcrypt takes no such password");

struct password_work *password_work_new(void)
{
    return mem_new(struct password_work);
}

void password_work_free(struct password_work **w)
{
    if (*w)
        OPENSSL_cleanse(*w, sizeof **w);
    mem_free(*w);
    *w = NULL;
}

/* To libc and back; NULL where there is no such verifier. The result is in w. */
static const char *password_crypt(struct password_work *w, struct span password)
{
    memcpy(w->phrase, password.p, password.n);
    w->phrase[password.n] = '\0';
    memset(&w->data, 0, sizeof w->data);
    const char *made = crypt_r(w->phrase, w->setting, &w->data);
    OPENSSL_cleanse(w->phrase, sizeof w->phrase);
    return made && made[0] != '*' ? made : NULL;
}

static bool password_fits(struct span password)
{
    return password.n > 0 && password.n < PASSWORD_BYTES && span_find(password, '\0') == password.n;
}

bool password_verify(struct password_work *w, struct span password, struct span verifier)
{
    bool fits = password_fits(password);
    if (!fits) /* costs the same as a wrong one */
        password = SPAN("-");
    if (verifier.n == 0 || verifier.n >= sizeof w->setting ||
        span_find(verifier, '\0') != verifier.n)
        verifier = password_nobody();
    memcpy(w->setting, verifier.p, verifier.n);
    w->setting[verifier.n] = '\0';
    const char *made = password_crypt(w, password);
    bool same =
        made && strlen(made) == verifier.n && CRYPTO_memcmp(made, verifier.p, verifier.n) == 0;
    return same && fits && !span_eq(verifier, password_nobody());
}

enum err password_make(struct password_work *w, struct span password,
                       char out[PASSWORD_VERIFIER_BYTES], struct fault *f)
{
    char salt[32];
    if (!password_fits(password))
        return fault_set(f, ERR_INVALID, "a password has 1 to %d bytes, none of them NUL",
                         PASSWORD_BYTES - 1);
    rand_bytes(salt, sizeof salt);
    if (!crypt_gensalt_rn("$y$", 0, salt, sizeof salt, w->setting, sizeof w->setting))
        return fault_set(f, ERR_IO, "crypt_gensalt: yescrypt is not there");
    const char *made = password_crypt(w, password);
    if (!made || strlen(made) >= PASSWORD_VERIFIER_BYTES)
        return fault_set(f, ERR_IO, "crypt: no verifier made");
    memcpy(out, made, strlen(made) + 1);
    return ERR_OK;
}

struct span password_nobody(void)
{
    return SPAN("$y$j9T$YNMzF0wOtp8Wslb2purYl8Gs5Mvdbr4.NiMLnGJr4f2$"
                "i6iU3eLjHpftxY8Y6ww1Wh6dTzRdwboWKydrdnAnF88");
}
