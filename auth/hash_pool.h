#pragma once /* auth/hash_pool.h: the threads that verify passwords and signatures, so that no loop ever does */
#include "common/list.h"
#include "common/post.h"
#include "common/span.h"

/* One verification. Embedded in the asker's struct and the pool's own until note.run, which is called on home: at once
 * where the password is right, not before due_ms where it is wrong. */
struct hash_job {
    struct span password, verifier; /* borrowed */
    bool (*work)(
        struct hash_job
            *job);   /* on a thread of the pool, instead of password and verifier; NULL: those */
    uint64_t due_ms; /* of hash_pool_now */
    struct post *home;
    struct post_note note;
    bool right; /* the answer */
    struct list_node node;
};

struct hash_pool;
struct hash_pool *hash_pool_new(unsigned thread_count, unsigned queue_count);
void hash_pool_free(struct hash_pool **p); /* no job may be under way */

/* Any thread. False: queue_count jobs are waiting already; this one was not taken. */
bool hash_pool_verify(struct hash_pool *p, struct hash_job *job);
/* Any thread. Nothing to verify: job is wrong, and told so when it is due. */
void hash_pool_refuse(struct hash_pool *p, struct hash_job *job);
/* Milliseconds. Not clock_ms: a lab that stops the clock shall not stop the answers to wrong passwords. */
uint64_t hash_pool_now(void);
