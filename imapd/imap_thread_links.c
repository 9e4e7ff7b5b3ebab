#include "imapd/imap_thread_links.h"

#include "common/mem.h"
#include "common/must.h"

#define FIRST_COUNT 1024   /* room for nodes at first */
#define WALK_EACH 32       /* steps up that a node may cost on the average ... */
#define WALK_LEAST 100000u /* ... before the link-cut tree is made, and so many in any case */

void imap_thread_links_init(struct imap_thread_links *l)
{
    *l = (struct imap_thread_links){.cap = FIRST_COUNT};
    l->parent = mem_zalloc(FIRST_COUNT * sizeof *l->parent);
}

void imap_thread_links_fini(struct imap_thread_links *l)
{
    mem_free(l->parent);
    mem_free(l->splay);
    *l = (struct imap_thread_links){0};
}

uint32_t imap_thread_links_node(struct imap_thread_links *l)
{
    if (++l->n == l->cap) {
        must(l->cap <= UINT32_MAX / 2);
        l->cap *= 2;
        l->parent = mem_grow(l->parent, l->cap * sizeof *l->parent);
        if (l->splay)
            l->splay = mem_grow(l->splay, l->cap * sizeof *l->splay);
    }
    l->parent[l->n] = 0;
    if (l->splay)
        l->splay[l->n] = (struct imap_thread_splay){0};
    return l->n;
}

/* --- the link-cut tree: paths as splay trees, ordered by depth; up of a splay tree's root leads to the path above --- */

static bool is_top(const struct imap_thread_splay *t, uint32_t v)
{
    uint32_t up = t[v].up;
    return up == 0 || (t[up].left != v && t[up].right != v);
}

static void rotate(struct imap_thread_splay *t, uint32_t v)
{
    uint32_t p = t[v].up, g = t[p].up;
    bool top = is_top(t, p);
    uint32_t moved;
    if (t[p].left == v) {
        moved = t[v].right;
        t[p].left = moved;
        t[v].right = p;
    } else {
        moved = t[v].left;
        t[p].right = moved;
        t[v].left = p;
    }
    if (moved)
        t[moved].up = p;
    t[p].up = v;
    t[v].up = g;
    if (!top && t[g].left == p)
        t[g].left = v;
    else if (!top)
        t[g].right = v;
}

static void splay(struct imap_thread_splay *t, uint32_t v)
{
    while (!is_top(t, v)) {
        uint32_t p = t[v].up;
        if (!is_top(t, p)) {
            uint32_t g = t[p].up;
            bool straight = (t[g].left == p) == (t[p].left == v);
            rotate(t, straight ? p : v);
        }
        rotate(t, v);
    }
}

/* Makes the way from v to its root one path, with v on top of its splay tree. */
static void expose(struct imap_thread_splay *t, uint32_t v)
{
    uint32_t below = 0;
    for (uint32_t at = v; at; at = t[at].up) {
        splay(t, at);
        t[at].right = below;
        below = at;
    }
    splay(t, v);
}

static uint32_t find_root(struct imap_thread_splay *t, uint32_t v)
{
    expose(t, v);
    while (t[v].left)
        v = t[v].left;
    splay(t, v);
    return v;
}

static void make_tree(struct imap_thread_links *l)
{
    l->splay = mem_zalloc(l->cap * sizeof *l->splay);
    for (uint32_t i = 1; i <= l->n; i++)
        l->splay[i].up = l->parent[i];
}

/* --- links --- */

/* node has a root; child is one. */
static bool is_below(struct imap_thread_links *l, uint32_t node, uint32_t child)
{
    if (!l->splay && l->walked > WALK_LEAST + (size_t)WALK_EACH * l->n)
        make_tree(l);
    if (l->splay)
        return find_root(l->splay, node) == child;
    for (; l->parent[node]; l->walked++)
        node = l->parent[node];
    return node == child;
}

bool imap_thread_links_join(struct imap_thread_links *l, uint32_t child, uint32_t parent)
{
    must(l->parent[child] == 0);
    if (is_below(l, parent, child))
        return false;
    l->parent[child] = parent;
    if (l->splay) {
        expose(l->splay, parent);
        expose(l->splay, child); /* alone on its path: it is a root */
        l->splay[child].up = parent;
    }
    return true;
}

void imap_thread_links_cut(struct imap_thread_links *l, uint32_t child)
{
    if (l->parent[child] == 0)
        return;
    l->parent[child] = 0;
    if (l->splay) {
        expose(l->splay, child);
        uint32_t above = l->splay[child].left;
        l->splay[above].up = 0;
        l->splay[child].left = 0;
    }
}
