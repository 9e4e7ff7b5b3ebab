#pragma once /* auth/auth_guard.h: how often one address may guess */
#include "common/span.h"

#define AUTH_GUARD_COUNT                                                                           \
    16384 /* addresses remembered at most; the one heard of longest ago goes first */

/* Any thread. Two leaky buckets for each IPv4 address and each IPv6 /64: so many wrong guesses in a minute, and in a
 * day; after that as many as leak out. */
struct auth_guard;
struct auth_guard *auth_guard_new(unsigned minute_count, unsigned day_count); /* 0: no limit */
void auth_guard_free(struct auth_guard **g);

/* A guess from peer (an address as text) begins, and counts as wrong until auth_guard_forgive. False: too many were; this
 * one must not be looked at. */
bool auth_guard_try(struct auth_guard *g, struct span peer);
/* It was right after all, or it was not looked at. */
void auth_guard_forgive(struct auth_guard *g, struct span peer);
