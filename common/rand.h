#pragma once /* common/rand.h: the only source of chance */
#include <stddef.h>
#include <stdint.h>

/* Thread-safe. From the kernel, unless rand_seed made it repeatable (tests and labs only). */
void rand_bytes(void *out, size_t n);
uint64_t rand_u64(void);
/* Uniform in [0, below); below must not be 0. */
uint64_t rand_below(uint64_t below);
void rand_seed(uint64_t seed);
