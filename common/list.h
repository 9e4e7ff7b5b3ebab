#pragma once /* common/list.h: intrusive doubly linked list */
#include <stdbool.h>
#include <stddef.h>

/* Embed a list_node in the struct; a list is a node of its own that points at itself when empty. Not thread-safe.
 * A node that is in no list points at itself too, so that list_drop may be called twice. */
struct list_node {
    struct list_node *next, *prev;
};

static inline void list_init(struct list_node *l)
{
    l->next = l->prev = l;
}
static inline bool list_empty(const struct list_node *l)
{
    return l->next == l;
}
static inline void list_drop(struct list_node *n)
{
    n->prev->next = n->next;
    n->next->prev = n->prev;
    list_init(n);
}
/* Adds n (in no list) at the end. */
static inline void list_add(struct list_node *l, struct list_node *n)
{
    n->prev = l->prev;
    n->next = l;
    l->prev->next = n;
    l->prev = n;
}
#define list_entry(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))
/* n may be dropped inside the loop; other nodes may not. */
#define list_each(n, l)                                                                            \
    for (struct list_node *n = (l)->next, *n##_next = n->next; n != (l);                           \
         n = n##_next, n##_next = n->next)
