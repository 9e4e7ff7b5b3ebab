#pragma once /* imapd/imap_thread_links.h: who is whose parent, without loops */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A forest of nodes 1, 2, 3, ... A link is made only where it closes no loop. Small families are asked by walking up; when the
 * walks have become long, what follows is asked of a link-cut tree (Sleator and Tarjan) in O(log n), so that no References make
 * it slow. */
struct imap_thread_links {
    uint32_t *parent; /* [node], 0: none */
    uint32_t n, cap;  /* nodes so far; room */
    size_t walked;    /* private from here */
    struct imap_thread_splay {
        uint32_t up, left, right;
    } * splay; /* NULL: walking is good enough so far */
};
void imap_thread_links_init(struct imap_thread_links *l);
void imap_thread_links_fini(struct imap_thread_links *l);
uint32_t imap_thread_links_node(struct imap_thread_links *l); /* a new one, without a parent */
/* Makes parent the parent of child, which has none. False: a loop would be closed, nothing changed. */
bool imap_thread_links_join(struct imap_thread_links *l, uint32_t child, uint32_t parent);
void imap_thread_links_cut(struct imap_thread_links *l,
                           uint32_t child); /* from its parent, if any */
