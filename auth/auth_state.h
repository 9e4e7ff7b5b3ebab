#pragma once /* auth/auth_state.h: what the rooms of auth/ share */
#include "common/arena.h"
#include "store/committer.h"
#include "auth/auth.h"
#include "auth/auth_account.h"
#include "auth/auth_cache.h"
#include "auth/auth_guard.h"
#include "auth/hash_pool.h"

#include <pthread.h>
#include <stdatomic.h>

struct jwt_keys;
struct certificate_map;

struct auth {
    struct store *store;
    struct auth_options options;
    struct hash_pool *pool;
    struct auth_cache *cache;
    struct auth_guard *guard;
    uint64_t secret;        /* of the store: salts of users who are not there */
    pthread_mutex_t lock;   /* guards without_scram and generation */
    unsigned without_scram; /* accounts with a password, but no keys of it; UINT32_MAX: not known */
    unsigned generation;    /* of without_scram: counted anew */
    atomic_bool scram;      /* there are none */
    pthread_rwlock_t files; /* guards what was read from the files of the options */
    struct jwt_keys *jwt_keys; /* NULL: none are configured */
    struct certificate_map *certificate_map;
};

/* One request under way, from auth_begin until it is told. */
struct auth_work {
    struct auth *auth;
    struct auth_request *request;
    struct arena *arena;
    struct auth_account who;
    enum err result;
    enum auth_why why;
    bool guess; /* being wrong counts */
    struct auth_cache_tag tag;
    struct hash_job hash; /* its note carries every answer home, except that of op */
    struct store_op op;   /* makes an account in a lab; or its SCRAM keys */
    bool derive;          /* a right password shall get SCRAM keys: */
    bool derived, added;
    unsigned generation;
    struct credential_scram scram;
};

/* Exactly one of the others ends it; request->done follows in a later turn. */
struct auth_work *auth_begin(struct auth *a, struct auth_request *r);
void auth_tell(struct auth_work *w, enum err result, enum auth_why why);
/* w->who it is, by that app password or, NULL, by another way. */
void auth_accept(struct auth_work *w, const struct credential_app *app);
/* Not before the time for failures. guess: it counts among the wrong guesses of the peer. */
void auth_refuse(struct auth_work *w, enum auth_why why, bool guess);
/* Runs job on a thread of the pool; right: auth_accept, else auth_refuse with w->why. */
void auth_judge(struct auth_work *w, bool (*job)(struct hash_job *job));
