#pragma once /* auth/auth_guard.h: how often one address may guess */
#include "common/span.h"

#define AUTH_GUARD_COUNT                                                                           \
    16384 /* addresses remembered at most; the one heard of longest ago goes first */

/* Any thread. Two leaky buckets for each IPv4 address and each IPv6 /64: so many wrong guesses in a minute, and in a
 * day; after that as many as leak out. */
struct auth_guard;
struct auth_guard *auth_guard_new(unsigned minute_count, unsigned day_count); /* 0: no limit */
void auth_guard_free(struct auth_guard **g);

/* A guess from peer (an address as text) comes. False: too many were wrong; this one must not be looked at. */
bool auth_guard_may(struct auth_guard *g, struct span peer);
/* It was wrong. Only then does it count: an office behind one address may log in all at once. Those that were looked at together
 * count all, so that nobody gains by asking many at a time. */
void auth_guard_wrong(struct auth_guard *g, struct span peer);
