#include "auth/auth.h"

#include "common/arena.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/rand.h"
#include "message/address.h"
#include "store/committer.h"
#include "store/directory.h"
#include "auth/auth_cache.h"
#include "auth/auth_guard.h"
#include "auth/hash_pool.h"
#include "auth/password.h"
#include "auth/plain.h"

#include <stdio.h>
#include <unistd.h>

/* A bare local-part is looked for among so many accounts; a larger server wants the whole address. */
#define AUTH_SCAN_COUNT 10000

const struct auth_options auth_options_default = {
    .lab = false,
    .thread_count = 0,
    .queue_count = 64,
    .cache_s = 600,
    .fail_ms = 50,
    .minute_count = 10,
    .day_count = 100,
};

struct auth {
    struct store *store;
    struct auth_options options;
    struct hash_pool *pool;
    struct auth_cache *cache;
    struct auth_guard *guard;
};

/* One request under way. */
struct auth_work {
    struct auth *auth;
    struct auth_request *request;
    struct arena *arena;
    struct span
        key; /* of the account, there or to be made; empty: no address can be made of the user */
    uint64_t account;
    enum err result;
    struct auth_cache_tag tag;
    struct hash_job hash; /* its note carries every answer home, except that of op */
    struct store_op op;   /* lab: makes the account */
};

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
    return a;
}

void auth_free(struct auth **a)
{
    if (!*a)
        return;
    hash_pool_free(&(*a)->pool);
    auth_cache_free(&(*a)->cache);
    auth_guard_free(&(*a)->guard);
    mem_free(*a);
    *a = NULL;
}

/* --- the answer --- */

static void auth_finish(struct auth_work *w)
{
    struct auth_request *r = w->request;
    r->result = w->result;
    if (w->result == ERR_OK) {
        r->account = w->account;
        memcpy(r->address, w->key.p, w->key.n);
        r->address[w->key.n] = '\0';
    }
    r->work = NULL;
    arena_free(&w->arena);
    mem_free(w);
    r->done(r);
}

static void auth_told(struct post_note *note)
{
    auth_finish(list_entry(note, struct auth_work, hash.note));
}

static void auth_verified(struct post_note *note)
{
    struct auth_work *w = list_entry(note, struct auth_work, hash.note);
    w->result = w->hash.right ? ERR_OK : ERR_DENIED;
    if (w->hash.right)
        auth_cache_add(w->auth->cache, &w->tag);
    else if (w->hash.verifier.n > 0)
        auth_guard_wrong(w->auth->guard, w->request->peer);
    auth_finish(w);
}

/* In a later turn. */
static void auth_tell(struct auth_work *w, enum err result)
{
    w->result = result;
    w->hash.note.run = auth_told;
    post_send(w->request->home, &w->hash.note);
}

/* --- who --- */

/* Empty: no address. */
static struct span auth_address_key(struct auth_work *w, struct span text)
{
    struct address addr;
    struct span key;
    const char *why;
    return address_parse(w->arena, text, &addr, &why) && address_key(w->arena, addr, &key)
               ? key
               : SPAN("");
}

struct auth_bare {
    struct span prefix; /* "local@" of the key */
    struct span key;    /* the first account found */
    struct arena *arena;
    unsigned found, seen;
};

static bool auth_bare_match(void *arg, const struct account *account)
{
    struct auth_bare *bare = arg;
    if (account->address.n > bare->prefix.n &&
        span_eq(span_to(account->address, bare->prefix.n), bare->prefix) && bare->found++ == 0)
        bare->key = arena_keep(bare->arena, account->address);
    return bare->found < 2 && ++bare->seen < AUTH_SCAN_COUNT;
}

/* A local-part alone: the only account that has it; in a lab, where nobody has, local@localhost. */
static enum err auth_bare_key(struct txn *t, struct auth_work *w, struct fault *f)
{
    struct span key =
        auth_address_key(w, arena_printf(w->arena, "%.*s@localhost", SPAN_ARG(w->request->user)));
    if (key.n == 0)
        return ERR_OK;
    struct auth_bare bare = {.prefix = span_to(key, key.n - strlen("localhost")),
                             .arena = w->arena};
    enum err e = directory_each_account(t, w->arena, auth_bare_match, &bare, f);
    if (e == ERR_OK && bare.found == 1)
        w->key = bare.key;
    else if (e == ERR_OK && bare.found == 0 && w->auth->options.lab)
        w->key = key;
    return e;
}

static enum err auth_key(struct txn *t, struct auth_work *w, struct fault *f)
{
    struct span user = w->request->user;
    if (span_find(user, '\0') < user.n || user.n >= sizeof w->request->address)
        return ERR_OK;
    if (span_find(user, '@') == user.n)
        return auth_bare_key(t, w, f);
    w->key = auth_address_key(w, user);
    return ERR_OK;
}

/* ERR_NOTFOUND: nobody. The verifier is in the arena. */
static enum err auth_find(struct auth_work *w, struct span *verifier, struct fault *f)
{
    struct txn *t = NULL;
    struct account account;
    *verifier = SPAN("");
    enum err e = txn_read(w->auth->store, &t, f);
    if (e == ERR_OK)
        e = auth_key(t, w, f);
    if (w->key.n >= sizeof w->request->address)
        w->key = SPAN("");
    if (e == ERR_OK)
        e = w->key.n ? directory_account_find(t, w->arena, w->key, &account, f) : ERR_NOTFOUND;
    if (e == ERR_OK) {
        w->account = account.id;
        *verifier = account.verifier;
    }
    txn_read_end(&t);
    return e;
}

/* --- lab: an account that takes any password --- */

static enum err auth_make_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    struct auth_work *w = list_entry(op, struct auth_work, op);
    struct account account;
    enum err e = directory_account_find(t, w->arena, w->key, &account, f);
    if (e == ERR_NOTFOUND)
        return directory_account_add(t, w->key, SPAN(""), &w->account, f);
    if (e == ERR_OK && account.verifier.n > 0)
        return fault_set(f, ERR_DENIED, "has a password by now");
    if (e == ERR_OK)
        w->account = account.id;
    return e;
}

static void auth_made(struct store_op *op, enum err e, const struct fault *f)
{
    struct auth_work *w = list_entry(op, struct auth_work, op);
    if (e != ERR_OK)
        log_event(LOG_WARN, NULL, "auth.error", "why=\"%s\"", f->text);
    w->result = e;
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

static void auth_verify(struct auth_work *w, struct span verifier)
{
    struct auth *a = w->auth;
    struct span password = w->request->password;
    if (verifier.n > 0) {
        w->tag = auth_cache_tag(a->cache, w->key, password, verifier);
        if (auth_cache_has(a->cache, &w->tag)) {
            auth_tell(w, ERR_OK);
            return;
        }
    }
    w->hash.password = password;
    w->hash.verifier = verifier.n ? verifier : password_nobody();
    w->hash.note.run = auth_verified;
    if (!auth_guard_may(a->guard, w->request->peer) || !hash_pool_verify(a->pool, &w->hash))
        auth_tell(w, ERR_BUSY);
}

void auth_check(struct auth *a, struct auth_request *r)
{
    struct auth_work *w = mem_new(struct auth_work);
    struct span verifier;
    struct fault f = FAULT_NONE;
    w->auth = a;
    w->request = r;
    w->arena = arena_new();
    w->hash.home = r->home;
    w->hash.due_ms = hash_pool_now() + a->options.fail_ms;
    r->work = w;
    r->account = 0;
    r->address[0] = '\0';
    /* A bare local-part is dear to look up: not for those who only guess. */
    bool dear = span_find(r->user, '@') == r->user.n;
    if (dear && !auth_guard_may(a->guard, r->peer)) {
        auth_tell(w, ERR_BUSY);
        return;
    }
    enum err e = auth_find(w, &verifier, &f);
    if (e != ERR_OK && e != ERR_NOTFOUND) {
        log_event(LOG_ERROR, NULL, "auth.error", "why=\"%s\"", f.text);
        auth_tell(w, e);
    } else if (r->password.n == 0 || r->password.n >= PASSWORD_BYTES ||
               span_find(r->password, '\0') < r->password.n) {
        w->hash.note.run =
            auth_verified; /* nobody has such a password: known and unknown users alike */
        hash_pool_refuse(a->pool, &w->hash);
    } else if (a->options.lab && e == ERR_OK && verifier.n == 0) {
        auth_tell(w, ERR_OK);
    } else if (a->options.lab && e == ERR_NOTFOUND && w->key.n > 0) {
        auth_make(w);
    } else {
        auth_verify(w, verifier);
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
}

bool auth_plain(struct span message, struct span *user_out, struct span *password_out)
{
    return plain_parse(message, user_out, password_out);
}
