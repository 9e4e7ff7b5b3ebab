#include "imapd/imap_tree.h"

#include "imapd/imap_reach.h"

#include <stdlib.h>

/* What was found, before the levels above are added. */
struct imap_tree_heap {
    struct arena *a;
    struct imap_tree_node *nodes;
    size_t n, room;
};

static struct imap_tree_node *imap_tree_add(struct imap_tree_heap *h, struct span name)
{
    if (h->n == h->room) {
        size_t room = h->room ? h->room * 2 : 16;
        struct imap_tree_node *more = arena_alloc(h->a, room * sizeof *more);
        if (h->n)
            memcpy(more, h->nodes, h->n * sizeof *more);
        h->nodes = more;
        h->room = room;
    }
    struct imap_tree_node *node = &h->nodes[h->n++];
    *node = (struct imap_tree_node){.box.name = name};
    return node;
}

static void imap_tree_add_mailbox(struct imap_tree_heap *h, const struct mailbox *box)
{
    struct imap_tree_node *node = imap_tree_add(h, box->name);
    node->box = *box;
    node->exists = true;
}

static bool imap_tree_subscription(void *arg, struct span name)
{
    struct imap_tree_heap *h = arg;
    imap_tree_add(h, arena_keep(h->a, name))->subscribed = true;
    return true;
}

/* "/" comes before everything else, so that what is below a name follows it at once. INBOX is
 * first. */
static unsigned imap_tree_weight(char c)
{
    return c == '/' ? 0 : 1u + (unsigned char)c;
}

static bool imap_tree_is_inbox(struct span name)
{
    return name.n >= 5 && memcmp(name.p, "INBOX", 5) == 0 && (name.n == 5 || name.p[5] == '/');
}

static int imap_tree_order(const void *a, const void *b)
{
    struct span x = ((const struct imap_tree_node *)a)->box.name;
    struct span y = ((const struct imap_tree_node *)b)->box.name;
    bool xi = imap_tree_is_inbox(x), yi = imap_tree_is_inbox(y);
    if (xi != yi)
        return xi ? -1 : 1;
    for (size_t i = 0; i < x.n && i < y.n; i++) {
        unsigned p = imap_tree_weight(x.p[i]), q = imap_tree_weight(y.p[i]);
        if (p != q)
            return p < q ? -1 : 1;
    }
    return x.n < y.n ? -1 : x.n > y.n;
}

/* name lies in the level that dir is, or below it. */
static bool imap_tree_is_below(struct span name, struct span dir)
{
    return name.n > dir.n && name.p[dir.n] == '/' && memcmp(name.p, dir.p, dir.n) == 0;
}

/* The same name as mailbox and as subscription becomes one. */
static void imap_tree_merge(struct imap_tree_heap *h)
{
    size_t to = 0;
    for (size_t i = 0; i < h->n; i++) {
        struct imap_tree_node *last = to ? &h->nodes[to - 1] : NULL;
        struct imap_tree_node *node = &h->nodes[i];
        if (last && span_eq(last->box.name, node->box.name)) {
            if (node->exists) {
                node->subscribed |= last->subscribed;
                *last = *node;
            } else {
                last->subscribed |= node->subscribed;
            }
        } else {
            h->nodes[to++] = *node;
        }
    }
    h->n = to;
}

/* Adds the node and the levels above it that are not there. at: the deepest node so far on the
 * way to it. */
static void imap_tree_place(struct imap_tree_heap *out, const struct imap_tree_node *node,
                            size_t *at)
{
    struct span name = node->box.name;
    size_t parent = SIZE_MAX, from = 0;
    if (out->n) {
        for (size_t i = *at;; i = out->nodes[i].parent) {
            if (imap_tree_is_below(name, out->nodes[i].box.name)) {
                parent = i;
                from = out->nodes[i].box.name.n + 1;
                break;
            }
            if (out->nodes[i].parent == i)
                break;
        }
    }
    for (size_t i = from; i <= name.n; i++) {
        if (i < name.n && (name.p[i] != '/' || i == 0))
            continue;
        struct imap_tree_node *made = imap_tree_add(out, span_to(name, i));
        size_t index = out->n - 1;
        if (i == name.n)
            *made = *node;
        made->parent = parent == SIZE_MAX ? index : parent;
        parent = index;
    }
    *at = parent;
}

/* All names are known: in order, with the levels between them. */
static void imap_tree_grow(struct imap_tree_heap *found, struct imap_tree *tree)
{
    struct imap_tree_heap out = {.a = found->a};
    size_t at = 0;
    if (found->n)
        qsort(found->nodes, found->n, sizeof *found->nodes, imap_tree_order);
    imap_tree_merge(found);
    for (size_t i = 0; i < found->n; i++)
        imap_tree_place(&out, &found->nodes[i], &at);
    for (size_t i = out.n; i-- > 0;) {
        struct imap_tree_node *node = &out.nodes[i];
        if (node->parent != i)
            out.nodes[node->parent].children |= node->exists || node->children;
    }
    *tree = (struct imap_tree){out.nodes, out.n};
}

/* --- reading --- */

#define IMAP_TREE_TOGETHER_COUNT 64 /* mailboxes read before the slice is asked */

struct imap_tree_reader {
    struct imap_tree_heap found;
    uint64_t account;
    bool others;
    enum { TREE_OWN, TREE_BEGIN_OTHERS, TREE_OTHERS } at;
    struct span last; /* own one */
    struct imap_reach_walk walk;
    /* one slice */
    bool (*enough)(void *arg);
    void *arg;
    bool stopped;
};

struct imap_tree_reader *imap_tree_begin(struct arena *a, uint64_t account, bool others)
{
    struct imap_tree_reader *r = arena_new_of(a, struct imap_tree_reader);
    r->found.a = a;
    r->account = account;
    r->others = others;
    return r;
}

static bool imap_tree_enough(struct imap_tree_reader *r)
{
    r->stopped = r->enough && r->found.n % IMAP_TREE_TOGETHER_COUNT == 0 && r->enough(r->arg);
    return r->stopped;
}

static bool imap_tree_own(void *arg, const struct mailbox *box)
{
    struct imap_tree_reader *r = arg;
    if (r->last.n > 0 && span_eq(box->name, r->last))
        return true; /* the slice before ended with it */
    imap_tree_add_mailbox(&r->found, box);
    r->last = box->name;
    return !imap_tree_enough(r);
}

static enum err imap_tree_others(struct imap_tree_reader *r, struct txn *t, struct fault *f)
{
    struct mailbox box;
    enum err e = ERR_OK;
    while (e == ERR_OK && !r->stopped) {
        e = imap_reach_walk_next(&r->walk, t, &box, f);
        if (e == ERR_OK) {
            imap_tree_add_mailbox(&r->found, &box);
            (void)imap_tree_enough(r);
        }
    }
    return e == ERR_NOTFOUND ? ERR_OK : e;
}

enum err imap_tree_more(struct imap_tree_reader *r, struct txn *t, bool (*enough)(void *arg),
                        void *arg, bool *done, struct imap_tree *tree, struct fault *f)
{
    enum err e = ERR_OK;
    r->enough = enough;
    r->arg = arg;
    r->stopped = *done = false;
    if (r->at == TREE_OWN) {
        e = mailbox_each(t, r->found.a, r->account, r->last, imap_tree_own, r, f);
        r->at = r->stopped ? TREE_OWN : TREE_BEGIN_OTHERS;
    }
    if (e == ERR_OK && !r->stopped && r->at == TREE_BEGIN_OTHERS && r->others)
        e = imap_reach_walk(&r->walk, t, r->found.a, r->account, f);
    if (e == ERR_OK && !r->stopped) {
        r->at = TREE_OTHERS;
        e = imap_tree_others(r, t, f);
    }
    if (e != ERR_OK || r->stopped)
        return e;
    e = mailbox_each_subscription(t, r->account, imap_tree_subscription, &r->found, f);
    if (e == ERR_OK)
        imap_tree_grow(&r->found, tree);
    *done = e == ERR_OK;
    return e;
}

enum err imap_tree_read(struct imap_tree *tree, struct txn *t, struct arena *a, uint64_t account,
                        struct fault *f)
{
    bool done;
    return imap_tree_more(imap_tree_begin(a, account, true), t, NULL, NULL, &done, tree, f);
}
