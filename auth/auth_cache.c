#include "auth/auth_cache.h"

#include "common/arena.h"
#include "common/clock.h"
#include "common/list.h"
#include "common/map.h"
#include "common/mem.h"
#include "common/must.h"
#include "common/rand.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>

struct auth_cache_entry {
    struct list_node node;
    struct auth_cache_tag tag;
    uint64_t until_ms; /* of clock_ms */
};

struct auth_cache {
    pthread_mutex_t lock;
    unsigned keep_s;
    unsigned char key[32];
    struct map *entries;    /* tag to entry */
    struct list_node order; /* the one used longest ago first */
};

struct auth_cache *auth_cache_new(unsigned keep_s)
{
    struct auth_cache *c = mem_new(struct auth_cache);
    pthread_mutex_init(&c->lock, NULL);
    c->keep_s = keep_s;
    rand_bytes(c->key, sizeof c->key);
    c->entries = map_new();
    list_init(&c->order);
    return c;
}

void auth_cache_free(struct auth_cache **c)
{
    if (!*c)
        return;
    auth_cache_forget(*c);
    map_free(&(*c)->entries);
    pthread_mutex_destroy(&(*c)->lock);
    OPENSSL_cleanse(*c, sizeof **c);
    mem_free(*c);
    *c = NULL;
}

struct auth_cache_tag auth_cache_tag(const struct auth_cache *c, struct span user,
                                     struct span password, struct span verifier)
{
    struct auth_cache_tag tag;
    size_t n = user.n + 1 + password.n + 1 + verifier.n;
    struct arena *a = arena_new();
    char *text = arena_alloc(a, n), *at = text;
    struct span parts[] = {user, password, verifier};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (i > 0)
            *at++ = '\0';
        if (parts[i].n)
            memcpy(at, parts[i].p, parts[i].n);
        at += parts[i].n;
    }
    must(HMAC(EVP_sha256(), c->key, sizeof c->key, (unsigned char *)text, n, tag.bytes, NULL));
    OPENSSL_cleanse(text, n);
    arena_free(&a);
    return tag;
}

static struct span auth_cache_key(const struct auth_cache_tag *tag)
{
    return span_of(tag->bytes, sizeof tag->bytes);
}

/* Under the lock. */
static void auth_cache_drop(struct auth_cache *c, struct auth_cache_entry *entry)
{
    map_take(c->entries, auth_cache_key(&entry->tag));
    list_drop(&entry->node);
    mem_free(entry);
}

bool auth_cache_has(struct auth_cache *c, const struct auth_cache_tag *tag)
{
    pthread_mutex_lock(&c->lock);
    struct auth_cache_entry *entry = map_get(c->entries, auth_cache_key(tag));
    if (entry && entry->until_ms <= clock_ms()) {
        auth_cache_drop(c, entry);
        entry = NULL;
    }
    if (entry) {
        list_drop(&entry->node);
        list_add(&c->order, &entry->node);
    }
    pthread_mutex_unlock(&c->lock);
    return entry != NULL;
}

void auth_cache_add(struct auth_cache *c, const struct auth_cache_tag *tag)
{
    if (c->keep_s == 0)
        return;
    pthread_mutex_lock(&c->lock);
    struct auth_cache_entry *entry = map_get(c->entries, auth_cache_key(tag));
    if (!entry) {
        if (map_count(c->entries) >= AUTH_CACHE_COUNT)
            auth_cache_drop(c, list_entry(c->order.next, struct auth_cache_entry, node));
        entry = mem_new(struct auth_cache_entry);
        entry->tag = *tag;
        list_init(&entry->node);
        map_put(c->entries, auth_cache_key(tag), entry);
    }
    entry->until_ms = clock_ms() + (uint64_t)c->keep_s * 1000;
    list_drop(&entry->node);
    list_add(&c->order, &entry->node);
    pthread_mutex_unlock(&c->lock);
}

void auth_cache_forget(struct auth_cache *c)
{
    pthread_mutex_lock(&c->lock);
    while (!list_empty(&c->order))
        auth_cache_drop(c, list_entry(c->order.next, struct auth_cache_entry, node));
    pthread_mutex_unlock(&c->lock);
}
