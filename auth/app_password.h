#pragma once /* auth/app_password.h: passwords for programs: made by us, so long that a fast hash is enough */
#include "auth/auth.h"
#include "store/credential.h"

#define APP_PASSWORD_TEXT_BYTES 24 /* four groups of five, with dashes and a NUL */

/* 100 random bits in letters and digits that cannot be taken for one another. */
void app_password_make(char out[APP_PASSWORD_TEXT_BYTES]);
/* Of the password however it was typed: without dashes and spaces, in lower case. False: none of ours. */
bool app_password_digest(uint64_t account, struct span password, char out[CREDENTIAL_DIGEST_BYTES]);
/* That of the account which it is, in constant time; NULL: none. */
const struct credential_app *app_password_match(uint64_t account, const struct credentials *c,
                                                struct span password);
/* Whether it may be used for that now: AUTH_WHY_NOT_AT_ALL says yes. */
enum auth_why app_password_permits(const struct credential_app *app, unsigned protocol,
                                   struct span peer, int64_t now);
/* "192.0.2.0/24,2001:db8::/32,198.51.100.7". */
bool app_password_networks(struct span text);
