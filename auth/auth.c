#include "auth/auth.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/must.h"
#include "common/rand.h"
#include "auth/app_password.h"
#include "auth/auth_state.h"
#include "auth/certificate_map.h"
#include "auth/jwt.h"
#include "auth/password.h"
#include "auth/scram.h"

#include <stdio.h>
#include <unistd.h>

#define AUTH_ITERATIONS 10000
#define AUTH_USED_S 60 /* between two records of the last use of an app password */

const struct auth_options auth_options_default = {
    .lab = false,
    .thread_count = 0,
    .queue_count = 64,
    .cache_s = 600,
    .fail_ms = 50,
    .minute_count = 10,
    .day_count = 100,
    .scram_iteration_count = AUTH_ITERATIONS,
    .channel_binding = 1,
    .oauth_claim = "email",
};

/* --- start and end --- */

/* Whether SCRAM can be offered; reads all accounts, without the lock: loops take it. Of several at once the one that began
 * last has seen everything, and counts. */
static void auth_count(struct auth *a)
{
    struct fault f = FAULT_NONE;
    unsigned without = 0;
    pthread_mutex_lock(&a->lock);
    unsigned generation = ++a->generation;
    a->without_scram = UINT32_MAX; /* not known */
    pthread_mutex_unlock(&a->lock);
    enum err e = a->options.lab || a->options.only_app_passwords
                     ? ERR_OK
                     : auth_account_without_scram(a->store, &without, &f);
    pthread_mutex_lock(&a->lock);
    if (generation == a->generation) {
        a->without_scram = e == ERR_OK ? without : UINT32_MAX;
        atomic_store(&a->scram, !a->options.lab && a->without_scram == 0);
    }
    pthread_mutex_unlock(&a->lock);
    if (e != ERR_OK)
        log_event(LOG_ERROR, NULL, "auth.error", "why=\"%s\"", f.text);
}

struct auth_secret_op {
    struct store_op op;
    uint64_t secret;
};

static enum err auth_secret_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    struct auth_secret_op *s = list_entry(op, struct auth_secret_op, op);
    return credential_secret_put(t, s->secret, f);
}

/* That of the store; where there is none and none can be written, one until the next start. */
static uint64_t auth_secret(struct store *st)
{
    struct fault f = FAULT_NONE;
    struct txn *t = NULL;
    struct auth_secret_op s = {.op = {.apply = auth_secret_apply, .actor = {.kind = ACTOR_SYSTEM}}};
    enum err e = txn_read(st, &t, &f);
    if (e == ERR_OK)
        e = credential_secret(t, &s.secret, &f);
    txn_read_end(&t);
    if (e == ERR_OK)
        return s.secret;
    s.secret = rand_u64();
    if (e == ERR_NOTFOUND)
        e = committer_run(st, &s.op, &f);
    if (e != ERR_OK)
        log_event(LOG_ERROR, NULL, "auth.error", "why=\"%s\"", f.text);
    return s.secret;
}

struct auth *auth_new(struct store *st, const struct auth_options *o)
{
    struct auth *a = mem_new(struct auth);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    a->store = st;
    a->options = *o;
    a->pool = hash_pool_new(o->thread_count ? o->thread_count
                            : cores > 0     ? (unsigned)cores
                                            : 1,
                            o->queue_count);
    a->cache = auth_cache_new(o->cache_s);
    a->guard = o->lab ? auth_guard_new(0, 0) : auth_guard_new(o->minute_count, o->day_count);
    pthread_mutex_init(&a->lock, NULL);
    pthread_rwlock_init(&a->files, NULL);
    a->secret = auth_secret(st);
    auth_count(a);
    return a;
}

void auth_free(struct auth **auth)
{
    struct auth *a = *auth;
    if (!a)
        return;
    hash_pool_free(&a->pool);
    auth_cache_free(&a->cache);
    auth_guard_free(&a->guard);
    jwt_keys_close(&a->jwt_keys);
    certificate_map_close(&a->certificate_map);
    pthread_mutex_destroy(&a->lock);
    pthread_rwlock_destroy(&a->files);
    mem_free(a);
    *auth = NULL;
}

static enum err auth_read(const struct auth_options *o, struct jwt_keys **keys,
                          struct certificate_map **map, struct fault *f)
{
    enum err e = o->oauth_keys && *o->oauth_keys ? jwt_keys_open(o->oauth_keys, keys, f) : ERR_OK;
    if (e == ERR_OK && o->certificate_map && *o->certificate_map)
        e = certificate_map_open(o->certificate_map, map, f);
    return e;
}

enum err auth_files_check(const struct auth_options *o, struct fault *f)
{
    struct jwt_keys *keys = NULL;
    struct certificate_map *map = NULL;
    enum err e = auth_read(o, &keys, &map, f);
    jwt_keys_close(&keys);
    certificate_map_close(&map);
    return e;
}

enum err auth_load(struct auth *a, struct fault *f)
{
    struct jwt_keys *keys = NULL;
    struct certificate_map *map = NULL;
    enum err e = auth_read(&a->options, &keys, &map, f);
    if (e == ERR_OK) {
        struct jwt_keys *old_keys = a->jwt_keys;
        struct certificate_map *old_map = a->certificate_map;
        pthread_rwlock_wrlock(&a->files);
        a->jwt_keys = keys;
        a->certificate_map = map;
        pthread_rwlock_unlock(&a->files);
        keys = old_keys;
        map = old_map;
    }
    jwt_keys_close(&keys);
    certificate_map_close(&map);
    return e;
}

unsigned auth_iterations(const struct auth *a)
{
    return a && a->options.scram_iteration_count ? a->options.scram_iteration_count
                                                 : AUTH_ITERATIONS;
}

bool auth_scram(const struct auth *a)
{
    return atomic_load(&a->scram);
}

/* --- the answer --- */

static void auth_finish(struct auth_work *w)
{
    struct auth_request *r = w->request;
    r->result = w->result;
    r->why = w->why;
    if (w->result == ERR_OK) {
        r->account = w->who.id;
        memcpy(r->address, w->who.key.p, w->who.key.n);
        r->address[w->who.key.n] = '\0';
    }
    r->work = NULL;
    arena_free(&w->arena);
    mem_free(w);
    r->done(r);
}

static void auth_told(struct post_note *note)
{
    struct auth_work *w = list_entry(note, struct auth_work, hash.note);
    if (w->guess)
        auth_guard_wrong(w->auth->guard, w->request->peer);
    auth_finish(w);
}

/* In a later turn. */
void auth_tell(struct auth_work *w, enum err result, enum auth_why why)
{
    w->result = result;
    w->why = why;
    w->hash.note.run = auth_told;
    post_send(w->request->home, &w->hash.note);
}

void auth_refuse(struct auth_work *w, enum auth_why why, bool guess)
{
    w->result = ERR_DENIED;
    w->why = why;
    w->guess = guess;
    w->hash.note.run = auth_told;
    hash_pool_refuse(w->auth->pool, &w->hash);
}

static void auth_judged(struct post_note *note)
{
    struct auth_work *w = list_entry(note, struct auth_work, hash.note);
    w->guess = w->guess && !w->hash.right;
    w->result = w->hash.right ? ERR_OK : ERR_DENIED;
    w->why = w->hash.right ? AUTH_WHY_NOT_AT_ALL : w->why;
    auth_told(note);
}

void auth_judge(struct auth_work *w, bool (*job)(struct hash_job *job))
{
    w->hash.work = job;
    w->hash.note.run = auth_judged;
    if (!hash_pool_verify(w->auth->pool, &w->hash))
        auth_tell(w, ERR_BUSY, AUTH_WHY_LATER);
}

struct auth_work *auth_begin(struct auth *a, struct auth_request *r)
{
    struct auth_work *w = mem_new(struct auth_work);
    w->auth = a;
    w->request = r;
    w->arena = arena_new();
    w->hash.home = r->home;
    w->hash.due_ms = hash_pool_now() + a->options.fail_ms;
    r->work = w;
    r->account = 0;
    r->address[0] = r->credential[0] = '\0';
    return w;
}

/* --- the last use of an app password: recorded behind the answer --- */

struct auth_used {
    struct store_op op;
    struct arena *arena;
    uint64_t account;
    struct credential_app app;
    int64_t when;
    struct span from;
};

static enum err auth_used_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    struct auth_used *u = list_entry(op, struct auth_used, op);
    return credential_app_used(t, u->account, &u->app, u->when, u->from, f);
}

static void auth_used_done(struct store_op *op, enum err e, const struct fault *f)
{
    struct auth_used *u = list_entry(op, struct auth_used, op);
    if (e != ERR_OK)
        log_event(LOG_WARN, NULL, "auth.error", "why=\"%s\"", f->text);
    arena_free(&u->arena);
    mem_free(u);
}

static void auth_used(const struct auth_work *w, const struct credential_app *app)
{
    int64_t now = clock_wall();
    if (now - app->used < AUTH_USED_S && now >= app->used)
        return;
    struct auth_used *u = mem_new(struct auth_used);
    u->arena = arena_new();
    u->account = w->who.id;
    u->app = *app;
    u->app.name = arena_keep(u->arena, app->name);
    u->from = arena_keep(u->arena, span_to(w->request->peer, 64));
    u->when = now;
    u->op = (struct store_op){.apply = auth_used_apply,
                              .done = auth_used_done,
                              .home = w->request->home,
                              .actor = {.kind = ACTOR_SYSTEM, .account = w->who.id}};
    committer_submit(w->auth->store, &u->op);
}

void auth_accept(struct auth_work *w, const struct credential_app *app)
{
    if (app) {
        struct auth_request *r = w->request;
        unsigned protocol = r->protocol ? r->protocol : AUTH_IMAP;
        enum auth_why why = app_password_permits(app, protocol, r->peer, clock_wall());
        memcpy(r->credential, app->name.p, app->name.n);
        r->credential[app->name.n] = '\0';
        if (why != AUTH_WHY_NOT_AT_ALL) {
            auth_refuse(w, why, false);
            return;
        }
        auth_used(w, app);
    }
    auth_tell(w, ERR_OK, AUTH_WHY_NOT_AT_ALL);
}

/* --- a password that was right gets its SCRAM keys --- */

/* On a thread of the pool. */
static bool auth_verify_and_derive(struct hash_job *job)
{
    struct auth_work *w = list_entry(job, struct auth_work, hash);
    struct password_work *room = password_work_new();
    bool right = password_verify(room, job->password, job->verifier);
    password_work_free(&room);
    if (right && w->derive)
        w->derived = scram_keys(&w->scram, job->password, &w->scram.keys);
    return right;
}

static enum err auth_derived_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    struct auth_work *w = list_entry(op, struct auth_work, op);
    struct account account;
    struct credentials now = {.apps = NULL};
    w->added = false;
    enum err e = directory_account_get(t, w->arena, w->who.id, &account, f);
    if (e == ERR_OK)
        e = credential_read(t, w->arena, w->who.id, &now, f);
    if (e != ERR_OK || !span_eq(account.verifier, w->who.verifier) ||
        (now.scram_there &&
         (now.scram.own || memcmp(now.scram.salt, w->scram.salt, sizeof w->scram.salt) != 0)))
        return e; /* it was changed meanwhile, or somebody was faster */
    w->added = true;
    w->scram.own = true;
    return credential_scram_put(t, w->who.id, &w->scram, f);
}

static void auth_derived_done(struct store_op *op, enum err e, const struct fault *f)
{
    struct auth_work *w = list_entry(op, struct auth_work, op);
    struct auth *a = w->auth;
    if (e != ERR_OK) /* at the next login, then */
        log_event(LOG_WARN, NULL, "auth.error", "why=\"%s\"", f->text);
    pthread_mutex_lock(&a->lock);
    if (e == ERR_OK && w->added && w->generation == a->generation &&
        a->without_scram != UINT32_MAX && a->without_scram > 0 && --a->without_scram == 0)
        atomic_store(&a->scram, !a->options.lab);
    pthread_mutex_unlock(&a->lock);
    auth_finish(w);
}

static void auth_derived(struct auth_work *w)
{
    pthread_mutex_lock(&w->auth->lock);
    w->generation = w->auth->generation;
    pthread_mutex_unlock(&w->auth->lock);
    w->op = (struct store_op){.apply = auth_derived_apply,
                              .done = auth_derived_done,
                              .home = w->request->home,
                              .actor = {.kind = ACTOR_SYSTEM, .account = w->who.id}};
    committer_submit(w->auth->store, &w->op);
}

static void auth_verified(struct post_note *note)
{
    struct auth_work *w = list_entry(note, struct auth_work, hash.note);
    w->result = w->hash.right ? ERR_OK : ERR_DENIED;
    w->why = w->hash.right ? AUTH_WHY_NOT_AT_ALL : AUTH_WHY_WRONG;
    if (w->hash.right)
        auth_cache_add(w->auth->cache, &w->tag);
    else
        auth_guard_wrong(w->auth->guard, w->request->peer);
    if (w->hash.right && w->derived)
        auth_derived(w);
    else
        auth_finish(w);
}

/* --- lab: an account that takes any password --- */

static enum err auth_make_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    struct auth_work *w = list_entry(op, struct auth_work, op);
    struct account account;
    enum err e = directory_account_find(t, w->arena, w->who.key, &account, f);
    if (e == ERR_NOTFOUND)
        return directory_account_add(t, w->who.key, SPAN(""), &w->who.id, f);
    if (e == ERR_OK && account.verifier.n > 0)
        return fault_set(f, ERR_DENIED, "has a password by now");
    if (e == ERR_OK)
        w->who.id = account.id;
    return e;
}

static void auth_made(struct store_op *op, enum err e, const struct fault *f)
{
    struct auth_work *w = list_entry(op, struct auth_work, op);
    if (e != ERR_OK)
        log_event(LOG_WARN, NULL, "auth.error", "why=\"%s\"", f->text);
    w->result = e;
    w->why = e == ERR_DENIED ? AUTH_WHY_WRONG : AUTH_WHY_NOT_AT_ALL;
    auth_finish(w);
}

static void auth_make(struct auth_work *w)
{
    w->op = (struct store_op){.apply = auth_make_apply,
                              .done = auth_made,
                              .home = w->request->home,
                              .actor = {.kind = ACTOR_SYSTEM}};
    committer_submit(w->auth->store, &w->op);
}

/* --- the question --- */

static void auth_verify(struct auth_work *w)
{
    struct auth *a = w->auth;
    const struct credentials *c = &w->who.credentials;
    struct span password = w->request->password, verifier = w->who.verifier;
    if (verifier.n > 0) {
        w->tag = auth_cache_tag(a->cache, w->who.key, password, verifier);
        if (auth_cache_has(a->cache, &w->tag)) {
            auth_accept(w, NULL);
            return;
        }
    }
    w->derive = !a->options.lab && !(c->scram_there && c->scram.own);
    w->scram = c->scram;
    if (w->derive && !c->scram_there)
        scram_init(&w->scram, auth_iterations(a));
    w->hash.work = auth_verify_and_derive;
    w->hash.password = password;
    w->hash.verifier = verifier.n ? verifier : password_nobody();
    w->hash.note.run = auth_verified;
    if (!auth_guard_may(a->guard, w->request->peer) || !hash_pool_verify(a->pool, &w->hash))
        auth_tell(w, ERR_BUSY, AUTH_WHY_LATER);
}

/* found: the account is there. */
static void auth_decide(struct auth_work *w, bool found)
{
    struct auth *a = w->auth;
    struct span password = w->request->password;
    const struct credential_app *app =
        found ? app_password_match(w->who.id, &w->who.credentials, password) : NULL;
    if (password.n == 0 || password.n >= PASSWORD_BYTES || span_find(password, '\0') < password.n)
        auth_refuse(w, AUTH_WHY_WRONG,
                    false); /* nobody has such a password: known and unknown users alike */
    else if (app)
        auth_accept(w, app);
    else if (a->options.lab && found && w->who.verifier.n == 0)
        auth_tell(w, ERR_OK, AUTH_WHY_NOT_AT_ALL);
    else if (a->options.lab && !found && w->who.key.n > 0)
        auth_make(w);
    else if (!a->options.only_app_passwords)
        auth_verify(w);
    else if (auth_guard_may(a->guard, w->request->peer))
        auth_refuse(w, AUTH_WHY_WRONG, true);
    else
        auth_tell(w, ERR_BUSY, AUTH_WHY_LATER);
}

void auth_check(struct auth *a, struct auth_request *r)
{
    struct auth_work *w = auth_begin(a, r);
    struct fault f = FAULT_NONE;
    /* A bare local-part is dear to look up: not for those who only guess. */
    bool dear = span_find(r->user, '@') == r->user.n;
    if (dear && !auth_guard_may(a->guard, r->peer)) {
        auth_tell(w, ERR_BUSY, AUTH_WHY_LATER);
        return;
    }
    enum err e = auth_account_find(a->store, a->options.lab, w->arena, r->user, &w->who, &f);
    if (e != ERR_OK && e != ERR_NOTFOUND) {
        log_event(LOG_ERROR, NULL, "auth.error", "why=\"%s\"", f.text);
        auth_tell(w, e, AUTH_WHY_LATER);
    } else {
        auth_decide(w, e == ERR_OK);
    }
}

/* --- passwords --- */

enum err auth_verifier(struct span password, char out[256], struct fault *f)
{
    struct password_work *w = password_work_new();
    enum err e = password_make(w, password, out, f);
    password_work_free(&w);
    return e;
}

/* Four words of consonant, vowel, consonant, vowel: 10,000 each, and two digits: 59.8 bits. */
void auth_generate(char out[64])
{
    static const char consonants[] = "bcdfghjklmnpqrstvwxz", vowels[] = "aeiou";
    char words[4][5];
    for (size_t i = 0; i < 4; i++) {
        for (size_t k = 0; k < 4; k += 2) {
            words[i][k] = consonants[rand_below(sizeof consonants - 1)];
            words[i][k + 1] = vowels[rand_below(sizeof vowels - 1)];
        }
        words[i][4] = '\0';
    }
    snprintf(out, 64, "%s-%s-%s-%s-%02u", words[0], words[1], words[2], words[3],
             (unsigned)rand_below(100));
}

void auth_forget(struct auth *a)
{
    auth_cache_forget(a->cache);
    auth_count(a);
}
