#pragma once /* auth/plain.h: SASL PLAIN, RFC 4616 */
#include "common/span.h"

/* As auth_plain of auth/auth.h. */
bool plain_parse(struct span message, struct span *user_out, struct span *password_out);
