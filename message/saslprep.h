#pragma once /* message/saslprep.h: one spelling for user names and passwords */
#include "common/arena.h"

/* SASLprep, RFC 4013, with the Unicode of today: spaces of all kinds become one kind, what nobody sees goes, compatibility forms become plain
 * ones (NFKC). text itself where nothing changes, else in a. False: not UTF-8, or with control characters (RFC 4013 §2.3). */
bool saslprep(struct arena *a, struct span text, struct span *out);
