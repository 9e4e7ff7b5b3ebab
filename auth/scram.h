#pragma once /* auth/scram.h: SCRAM's arithmetic, RFC 5802 §3 and RFC 7677 */
#include "common/arena.h"
#include "store/credential.h"

enum scram_hash { SCRAM_SHA1, SCRAM_SHA256, SCRAM_SHA512 };
#define SCRAM_BYTES 64 /* of the longest hash */

size_t scram_bytes(enum scram_hash hash);
/* StoredKey and ServerKey of that hash in keys; scram_bytes long. */
struct span scram_stored(const struct credential_keys *keys, enum scram_hash hash);
struct span scram_server(const struct credential_keys *keys, enum scram_hash hash);

/* The keys of a password with the salt and iterations of s, for all hashes: tens of milliseconds, so not on a loop. False: no password by
 * RFC 4013 (not UTF-8, control characters); it can be used by PLAIN alone. */
bool scram_keys(const struct credential_scram *s, struct span password,
                struct credential_keys *out);
/* A new salt; no keys. iterations: with SHA-256 and SHA-512; SHA-1 has as many. */
void scram_init(struct credential_scram *s, unsigned iterations);

/* Whether proof is what the owner of the password sends for message, in constant time. */
bool scram_proves(const struct credential_keys *keys, enum scram_hash hash, struct span message,
                  struct span proof);
/* ServerSignature. */
struct span scram_signature(const struct credential_keys *keys, enum scram_hash hash,
                            struct span message, unsigned char out[SCRAM_BYTES]);
/* The salt of a user who is not there, always the same one. */
void scram_nobody(uint64_t secret, struct span user, unsigned iterations,
                  struct credential_scram *out);
