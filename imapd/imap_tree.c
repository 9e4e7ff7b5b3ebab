#include "imapd/imap_tree.h"

#include "imapd/imap_reach.h"
#include "imapd/imap_sort_merge.h"

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

static bool imap_tree_is_inbox(struct span name)
{
    return name.n >= 5 && memcmp(name.p, "INBOX", 5) == 0 && (name.n == 5 || name.p[5] == '/');
}

/* Names stand in the order of these: what is below a name follows it at once, INBOX is first. No name has control characters. */
static unsigned char imap_tree_weight(struct span name, size_t i)
{
    if (i >= name.n || (i == 0 && imap_tree_is_inbox(name)))
        return 0;
    return name.p[i] == '/' ? 1 : (unsigned char)name.p[i];
}

/* Eight of them as one number. */
static uint64_t imap_tree_weights(struct span name, size_t from)
{
    uint64_t out = 0;
    for (size_t i = from; i < from + 8; i++)
        out = out << 8 | imap_tree_weight(name, i);
    return out;
}

/* The first 16 are compared before this is asked. */
static int imap_tree_order(void *arg, uint32_t a, uint32_t b)
{
    const struct imap_tree_heap *found = arg;
    struct span x = found->nodes[a].box.name, y = found->nodes[b].box.name;
    for (size_t i = 16; i < x.n || i < y.n; i++) {
        int c = imap_tree_weight(x, i) - imap_tree_weight(y, i);
        if (c)
            return c;
    }
    return 0;
}

/* name lies in the level that dir is, or below it. */
static bool imap_tree_is_below(struct span name, struct span dir)
{
    return name.n > dir.n && name.p[dir.n] == '/' && memcmp(name.p, dir.p, dir.n) == 0;
}

/* The same name as mailbox and as subscription becomes one. */
static void imap_tree_join(struct imap_tree_node *to, const struct imap_tree_node *node)
{
    to->subscribed |= node->subscribed;
    to->exists |= node->exists;
    if (node->exists)
        to->box = node->box;
}

/* Adds the node and the levels above it that are not there. at: the deepest node so far on the
 * way to it. */
static void imap_tree_place(struct imap_tree_heap *out, const struct imap_tree_node *node,
                            size_t *at)
{
    struct span name = node->box.name;
    size_t parent = SIZE_MAX, from = 0;
    if (out->n && span_eq(out->nodes[*at].box.name, name)) {
        imap_tree_join(&out->nodes[*at], node);
        return;
    }
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

/* --- reading --- */

#define IMAP_TREE_TOGETHER_COUNT 64 /* names that are looked at before the slice is asked */

struct imap_tree_reader {
    struct imap_tree_heap found,
        out; /* names as they came; in order, with the levels between them */
    uint64_t account;
    bool others;
    enum { TREE_OWN, TREE_OTHERS_BEGIN, TREE_OTHERS, TREE_SUBSCRIBED, TREE_ORDER, TREE_GROW } at;
    struct span last; /* own one, or subscription */
    struct imap_reach_walk walk;
    struct imap_sort_merge merge;
    size_t next;    /* in its order */
    size_t deepest; /* in out */
    /* one slice */
    bool (*enough)(void *arg);
    void *arg;
    unsigned looked;
    bool stopped;
};

struct imap_tree_reader *imap_tree_begin(struct arena *a, uint64_t account, bool others)
{
    struct imap_tree_reader *r = arena_new_of(a, struct imap_tree_reader);
    r->found.a = r->out.a = a;
    r->account = account;
    r->others = others;
    return r;
}

void imap_tree_end(struct imap_tree_reader *r)
{
    imap_sort_merge_fini(&r->merge);
}

static bool imap_tree_enough(struct imap_tree_reader *r)
{
    r->stopped = r->enough && ++r->looked % IMAP_TREE_TOGETHER_COUNT == 0 && r->enough(r->arg);
    return r->stopped;
}

/* The slice before ended with it. */
static bool imap_tree_again(const struct imap_tree_reader *r, struct span name)
{
    return r->last.n > 0 && span_eq(name, r->last);
}

static bool imap_tree_own(void *arg, const struct mailbox *box)
{
    struct imap_tree_reader *r = arg;
    if (imap_tree_again(r, box->name))
        return true;
    imap_tree_add_mailbox(&r->found, box);
    r->last = box->name;
    return !imap_tree_enough(r);
}

static enum err imap_tree_others(struct imap_tree_reader *r, struct txn *t, struct fault *f)
{
    struct mailbox box;
    enum err e = ERR_OK;
    while (e == ERR_OK && !r->stopped) {
        bool seen;
        e = imap_reach_walk_next(&r->walk, t, &box, &seen, f);
        if (seen)
            imap_tree_add_mailbox(&r->found, &box);
        (void)imap_tree_enough(r);
    }
    r->stopped = r->stopped && e == ERR_OK;
    return e == ERR_NOTFOUND ? ERR_OK : e;
}

static bool imap_tree_subscription(void *arg, struct span name)
{
    struct imap_tree_reader *r = arg;
    if (imap_tree_again(r, name))
        return true;
    r->last = arena_keep(r->found.a, name);
    imap_tree_add(&r->found, r->last)->subscribed = true;
    return !imap_tree_enough(r);
}

/* All names are known. */
static void imap_tree_order_begin(struct imap_tree_reader *r)
{
    imap_sort_merge_init(&r->merge, r->found.n, imap_tree_order, &r->found);
    for (size_t i = 0; i < r->found.n; i++) {
        struct span name = r->found.nodes[i].box.name;
        r->merge.items[i] = (struct imap_sort_item){.key = imap_tree_weights(name, 0),
                                                    .more = imap_tree_weights(name, 8),
                                                    .nth = (uint32_t)i};
    }
}

static void imap_tree_order_more(struct imap_tree_reader *r)
{
    while (!r->stopped && !imap_sort_merge_step(&r->merge, 16 * IMAP_TREE_TOGETHER_COUNT))
        r->stopped = r->enough && r->enough(r->arg);
}

static void imap_tree_grow(struct imap_tree_reader *r)
{
    while (!r->stopped && r->next < r->found.n) {
        size_t nth = r->merge.items[r->next++].nth;
        imap_tree_place(&r->out, &r->found.nodes[nth], &r->deepest);
        (void)imap_tree_enough(r);
    }
}

static void imap_tree_children(struct imap_tree_heap *out)
{
    for (size_t i = out->n; i-- > 0;) {
        struct imap_tree_node *node = &out->nodes[i];
        if (node->parent != i)
            out->nodes[node->parent].children |= node->exists || node->children;
    }
}

static enum err imap_tree_step(struct imap_tree_reader *r, struct txn *t, struct fault *f)
{
    switch (r->at) {
    case TREE_OWN:
        return mailbox_each(t, r->found.a, r->account, r->last, imap_tree_own, r, f);
    case TREE_OTHERS_BEGIN:
        r->last = SPAN("");
        return r->others ? imap_reach_walk(&r->walk, t, r->found.a, r->account, f) : ERR_OK;
    case TREE_OTHERS:
        return imap_tree_others(r, t, f);
    case TREE_SUBSCRIBED:
        return mailbox_each_subscription(t, r->account, r->last, imap_tree_subscription, r, f);
    case TREE_ORDER:
        if (!r->merge.items)
            imap_tree_order_begin(r);
        imap_tree_order_more(r);
        return ERR_OK;
    case TREE_GROW:
        imap_tree_grow(r);
        return ERR_OK;
    }
    return ERR_OK;
}

enum err imap_tree_more(struct imap_tree_reader *r, struct txn *t, bool (*enough)(void *arg),
                        void *arg, bool *done, struct imap_tree *tree, struct fault *f)
{
    r->enough = enough;
    r->arg = arg;
    r->stopped = *done = false;
    while (!*done) {
        enum err e = imap_tree_step(r, t, f);
        if (e != ERR_OK || r->stopped)
            return e;
        *done = r->at == TREE_GROW;
        if (!*done)
            r->at++;
    }
    imap_tree_children(&r->out);
    imap_tree_end(r);
    *tree = (struct imap_tree){r->out.nodes, r->out.n};
    return ERR_OK;
}

enum err imap_tree_read(struct imap_tree *tree, struct txn *t, struct arena *a, uint64_t account,
                        struct fault *f)
{
    bool done;
    struct imap_tree_reader *r = imap_tree_begin(a, account, true);
    enum err e = imap_tree_more(r, t, NULL, NULL, &done, tree, f);
    imap_tree_end(r);
    return e;
}
