#pragma once /* auth/plain.h: SASL PLAIN, RFC 4616 */
#include "common/span.h"

/* [authzid] NUL authcid NUL passwd, RFC 4616 §2. False: malformed, or an authzid that is not the authcid. Spans point into message. */
bool plain_parse(struct span message, struct span *user_out, struct span *password_out);
