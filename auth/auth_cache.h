#pragma once /* auth/auth_cache.h: passwords that were right a moment ago, remembered as keyed hashes */
#include "common/span.h"

#define AUTH_CACHE_COUNT 4096 /* remembered at most; the one used longest ago goes first */

/* Any thread. The key of the hashes is made at start and never leaves the process. */
struct auth_cache;
struct auth_cache_tag {
    unsigned char bytes[32];
};

struct auth_cache *auth_cache_new(unsigned keep_s); /* 0: remembers nothing */
void auth_cache_free(struct auth_cache **c);
/* The verifier is part of it: a new password makes a new tag. user and password without a NUL. */
struct auth_cache_tag auth_cache_tag(const struct auth_cache *c, struct span user,
                                     struct span password, struct span verifier);
bool auth_cache_has(struct auth_cache *c, const struct auth_cache_tag *tag);
void auth_cache_add(struct auth_cache *c, const struct auth_cache_tag *tag);
void auth_cache_forget(struct auth_cache *c);
