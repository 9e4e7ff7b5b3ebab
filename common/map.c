#include "common/map.h"
#include "common/le.h"
#include "common/mem.h"
#include "common/must.h"
#include "common/rand.h"

#include <pthread.h>

#define MAP_FIRST_SLOTS 16 /* a power of two */

struct map_entry {
    struct map_entry *next;
    uint64_t hash;
    void *value;
    size_t n;
    char key[];
};

struct map {
    struct map_entry **slots; /* NULL until the first put */
    size_t slot_count;        /* a power of two */
    size_t count;
};

static uint64_t map_key[2];
static pthread_once_t map_once = PTHREAD_ONCE_INIT;

static void map_choose_key(void)
{
    rand_bytes(map_key, sizeof map_key);
}

static uint64_t map_rotate(uint64_t v, int bits)
{
    return v << bits | v >> (64 - bits);
}

static void map_sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = map_rotate(v[1], 13) ^ v[0];
    v[0] = map_rotate(v[0], 32);
    v[2] += v[3];
    v[3] = map_rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = map_rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = map_rotate(v[1], 17) ^ v[2];
    v[2] = map_rotate(v[2], 32);
}

static void map_sip_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    map_sip_round(v);
    v[0] ^= word;
}

/* SipHash-1-3 of Aumasson and Bernstein: one round a word, three at the end. */
static uint64_t map_sip(const uint64_t key[2], struct span s)
{
    uint64_t v[4] = {key[0] ^ UINT64_C(0x736f6d6570736575), key[1] ^ UINT64_C(0x646f72616e646f6d),
                     key[0] ^ UINT64_C(0x6c7967656e657261), key[1] ^ UINT64_C(0x7465646279746573)};
    size_t at = 0;
    for (; s.n - at >= 8; at += 8)
        map_sip_word(v, le_get(s.p + at, 8));
    uint64_t last = (uint64_t)s.n << 56;
    if (at < s.n)
        last |= le_get(s.p + at, s.n - at);
    map_sip_word(v, last);
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        map_sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t map_hash(struct span key)
{
    pthread_once(&map_once, map_choose_key);
    return map_sip(map_key, key);
}

struct map *map_new(void)
{
    return mem_new(struct map);
}

void map_free(struct map **m)
{
    if (!*m)
        return;
    for (size_t i = 0; i < (*m)->slot_count; i++) {
        for (struct map_entry *e = (*m)->slots[i], *next; e; e = next) {
            next = e->next;
            mem_free(e);
        }
    }
    mem_free((*m)->slots);
    mem_free(*m);
    *m = NULL;
}

/* Where the pointer to key's entry is, or where it would be added; m has slots. */
static struct map_entry **map_place(const struct map *m, struct span key, uint64_t hash)
{
    struct map_entry **at = &m->slots[hash & (m->slot_count - 1)];
    while (*at && ((*at)->hash != hash || !span_eq(span_of((*at)->key, (*at)->n), key)))
        at = &(*at)->next;
    return at;
}

void *map_get(const struct map *m, struct span key)
{
    if (m->count == 0)
        return NULL;
    struct map_entry *e = *map_place(m, key, map_hash(key));
    return e ? e->value : NULL;
}

static void map_grow(struct map *m)
{
    size_t slot_count = m->slot_count ? m->slot_count * 2 : MAP_FIRST_SLOTS;
    struct map_entry **slots = mem_zalloc(slot_count * sizeof *slots);
    for (size_t i = 0; i < m->slot_count; i++) {
        for (struct map_entry *e = m->slots[i], *next; e; e = next) {
            struct map_entry **to = &slots[e->hash & (slot_count - 1)];
            next = e->next;
            e->next = *to;
            *to = e;
        }
    }
    mem_free(m->slots);
    m->slots = slots;
    m->slot_count = slot_count;
}

void map_put(struct map *m, struct span key, void *value)
{
    must(value);
    if (m->count >= m->slot_count)
        map_grow(m);
    uint64_t hash = map_hash(key);
    struct map_entry **at = map_place(m, key, hash);
    if (!*at) {
        struct map_entry *e = mem_alloc(sizeof *e + key.n);
        *e = (struct map_entry){.hash = hash, .n = key.n};
        if (key.n)
            memcpy(e->key, key.p, key.n);
        *at = e;
        m->count++;
    }
    (*at)->value = value;
}

void *map_take(struct map *m, struct span key)
{
    if (m->count == 0)
        return NULL;
    struct map_entry **at = map_place(m, key, map_hash(key));
    struct map_entry *e = *at;
    if (!e)
        return NULL;
    void *value = e->value;
    *at = e->next;
    mem_free(e);
    m->count--;
    return value;
}

size_t map_count(const struct map *m)
{
    return m->count;
}

void map_each(const struct map *m, void (*fn)(void *arg, struct span key, void *value), void *arg)
{
    for (size_t i = 0; i < m->slot_count; i++)
        for (const struct map_entry *e = m->slots[i]; e; e = e->next)
            fn(arg, span_of(e->key, e->n), e->value);
}
