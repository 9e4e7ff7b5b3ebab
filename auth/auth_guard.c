#include "auth/auth_guard.h"

#include "common/clock.h"
#include "common/list.h"
#include "common/map.h"
#include "common/mem.h"

#include <arpa/inet.h>
#include <pthread.h>

#define AUTH_GUARD_KEY_BYTES 64

enum { AUTH_GUARD_MINUTE, AUTH_GUARD_DAY, AUTH_GUARD_SPANS };
static const uint64_t auth_guard_span_ms[AUTH_GUARD_SPANS] = {60000, 86400000};

struct auth_guard_entry {
    struct list_node node;
    char key[AUTH_GUARD_KEY_BYTES];
    size_t key_bytes;
    uint64_t empty_ms[AUTH_GUARD_SPANS]; /* of clock_ms: when all will have leaked out */
};

struct auth_guard {
    pthread_mutex_t lock;
    unsigned count[AUTH_GUARD_SPANS];
    struct map *entries;
    struct list_node order; /* the one heard of longest ago first */
};

struct auth_guard *auth_guard_new(unsigned minute_count, unsigned day_count)
{
    struct auth_guard *g = mem_new(struct auth_guard);
    pthread_mutex_init(&g->lock, NULL);
    g->count[AUTH_GUARD_MINUTE] = minute_count;
    g->count[AUTH_GUARD_DAY] = day_count;
    g->entries = map_new();
    list_init(&g->order);
    return g;
}

static struct span auth_guard_entry_key(const struct auth_guard_entry *entry)
{
    return span_of(entry->key, entry->key_bytes);
}

static void auth_guard_drop(struct auth_guard *g, struct auth_guard_entry *entry)
{
    map_take(g->entries, auth_guard_entry_key(entry));
    list_drop(&entry->node);
    mem_free(entry);
}

void auth_guard_free(struct auth_guard **guard)
{
    struct auth_guard *g = *guard;
    if (!g)
        return;
    while (!list_empty(&g->order))
        auth_guard_drop(g, list_entry(g->order.next, struct auth_guard_entry, node));
    map_free(&g->entries);
    pthread_mutex_destroy(&g->lock);
    mem_free(g);
    *guard = NULL;
}

/* The network that one party is likely to have for itself. */
static struct span auth_guard_key(struct span peer, char out[AUTH_GUARD_KEY_BYTES])
{
    char text[AUTH_GUARD_KEY_BYTES];
    struct in6_addr six;
    peer = span_to(peer, sizeof text - 1);
    if (peer.n)
        memcpy(text, peer.p, peer.n);
    text[peer.n] = '\0';
    if (inet_pton(AF_INET6, text, &six) != 1) {
        memcpy(out, text, peer.n);
        return span_of(out, peer.n);
    }
    if (IN6_IS_ADDR_V4MAPPED(&six)) {
        inet_ntop(AF_INET, six.s6_addr + 12, out, AUTH_GUARD_KEY_BYTES);
        return span_cstr(out);
    }
    memcpy(out, six.s6_addr, 8);
    return span_of(out, 8);
}

/* Under the lock. */
static struct auth_guard_entry *auth_guard_entry(struct auth_guard *g, struct span key)
{
    struct auth_guard_entry *entry = map_get(g->entries, key);
    if (!entry) {
        if (map_count(g->entries) >= AUTH_GUARD_COUNT)
            auth_guard_drop(g, list_entry(g->order.next, struct auth_guard_entry, node));
        entry = mem_new(struct auth_guard_entry);
        memcpy(entry->key, key.p, key.n);
        entry->key_bytes = key.n;
        list_init(&entry->node);
        map_put(g->entries, key, entry);
    }
    list_drop(&entry->node);
    list_add(&g->order, &entry->node);
    return entry;
}

static uint64_t auth_guard_cost_ms(const struct auth_guard *g, size_t i)
{
    return g->count[i] ? auth_guard_span_ms[i] / g->count[i] : 0;
}

bool auth_guard_may(struct auth_guard *g, struct span peer)
{
    char bytes[AUTH_GUARD_KEY_BYTES];
    struct span key = auth_guard_key(peer, bytes);
    uint64_t now = clock_ms();
    bool ok = true;
    pthread_mutex_lock(&g->lock);
    struct auth_guard_entry *entry = key.n ? map_get(g->entries, key) : NULL;
    for (size_t i = 0; entry && i < AUTH_GUARD_SPANS; i++) {
        uint64_t cost = auth_guard_cost_ms(g, i);
        uint64_t full = entry->empty_ms[i] > now ? entry->empty_ms[i] - now : 0;
        ok &= full + cost <= cost * g->count[i];
    }
    pthread_mutex_unlock(&g->lock);
    return ok;
}

void auth_guard_wrong(struct auth_guard *g, struct span peer)
{
    char bytes[AUTH_GUARD_KEY_BYTES];
    struct span key = auth_guard_key(peer, bytes);
    uint64_t now = clock_ms();
    if (key.n == 0)
        return;
    pthread_mutex_lock(&g->lock);
    struct auth_guard_entry *entry = auth_guard_entry(g, key);
    for (size_t i = 0; i < AUTH_GUARD_SPANS; i++)
        entry->empty_ms[i] =
            (entry->empty_ms[i] > now ? entry->empty_ms[i] : now) + auth_guard_cost_ms(g, i);
    pthread_mutex_unlock(&g->lock);
}
