#pragma once /* auth/password.h: verifiers: what crypt(3) makes of passwords */
#include "common/fault.h"
#include "common/span.h"
#include <stdbool.h>

#define PASSWORD_BYTES                                                                             \
    512 /* longest password; CRYPT_MAX_PASSPHRASE_SIZE of libxcrypt counts a NUL */
#define PASSWORD_VERIFIER_BYTES 256

/* Room for one calculation, about 32 KiB; one a thread. */
struct password_work;
struct password_work *password_work_new(void);
void password_work_free(struct password_work **w); /* wipes it */

/* Any kind of verifier that libxcrypt knows. False: another password, or not a verifier. Takes as long as the verifier wants (yescrypt: 50 ms). */
bool password_verify(struct password_work *w, struct span password, struct span verifier);
/* yescrypt. ERR_INVALID: empty, too long, or with a NUL in it. */
enum err password_make(struct password_work *w, struct span password,
                       char out[PASSWORD_VERIFIER_BYTES], struct fault *f);
/* Nobody's, and no password fits: for users who are not there, at the cost of those who are. */
struct span password_nobody(void);
