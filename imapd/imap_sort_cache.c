#include "imapd/imap_sort_cache.h"

#include "common/mem.h"

struct entry {
    struct list_node node;
    uint64_t mailbox;
    struct imap_sort_criteria criteria;
    uint32_t *order;
    size_t n;
};

void imap_sort_cache_init(struct imap_sort_cache *c)
{
    c->entries = 0;
    list_init(&c->used);
}

static void drop(struct imap_sort_cache *c, struct entry *e)
{
    c->entries -= e->n;
    list_drop(&e->node);
    mem_free(e->order);
    mem_free(e);
}

void imap_sort_cache_fini(struct imap_sort_cache *c)
{
    while (!list_empty(&c->used))
        drop(c, list_entry(c->used.next, struct entry, node));
}

static bool same(const struct imap_sort_criteria *a, const struct imap_sort_criteria *b)
{
    bool all = a->n == b->n;
    for (size_t i = 0; all && i < a->n; i++)
        all = a->list[i].by == b->list[i].by && a->list[i].reverse == b->list[i].reverse;
    return all;
}

static struct entry *find(struct imap_sort_cache *c, uint64_t mailbox,
                          const struct imap_sort_criteria *criteria)
{
    list_each (n, &c->used) {
        struct entry *e = list_entry(n, struct entry, node);
        if (e->mailbox == mailbox && same(&e->criteria, criteria))
            return e;
    }
    return NULL;
}

bool imap_sort_cache_get(struct imap_sort_cache *c, uint64_t mailbox,
                         const struct imap_sort_criteria *criteria, const struct uidset *found,
                         uint32_t *order_out)
{
    struct entry *e = find(c, mailbox, criteria);
    size_t wanted = uidset_count(found), n = 0;
    if (!e || wanted < IMAP_SORT_CACHE_LEAST)
        return false;
    list_drop(&e->node);
    list_add(&c->used, &e->node);
    for (size_t i = 0; i < e->n && n < wanted; i++) {
        order_out[n] = e->order[i];
        n += uidset_has(found, e->order[i]);
    }
    return n == wanted;
}

void imap_sort_cache_put(struct imap_sort_cache *c, uint64_t mailbox,
                         const struct imap_sort_criteria *criteria, const uint32_t *order, size_t n)
{
    struct entry *e = find(c, mailbox, criteria);
    if (n < IMAP_SORT_CACHE_LEAST || n > IMAP_SORT_CACHE_ENTRIES || criteria->relevancy ||
        (e && e->n > n + n / 4)) /* what is a part of it was not all there */
        return;
    if (e)
        drop(c, e);
    while (c->entries + n > IMAP_SORT_CACHE_ENTRIES)
        drop(c, list_entry(c->used.next, struct entry, node));
    e = mem_new(struct entry);
    *e = (struct entry){.mailbox = mailbox, .criteria = *criteria, .n = n};
    e->order = mem_alloc(n * sizeof *order);
    memcpy(e->order, order, n * sizeof *order);
    list_init(&e->node);
    list_add(&c->used, &e->node);
    c->entries += n;
}
