#include "imapd/imap_thread_tree.h"

#include "common/map.h"
#include "common/mem.h"
#include "common/must.h"
#include "imapd/imap_sort_merge.h"
#include "imapd/imap_thread_links.h"

/* Room: the algorithms of THREAD. A node is a message or, where a message id is only referred to, a dummy. While references
 * are read only the parents are kept (imap_thread_links). Then everything follows from one sort of the messages by sent
 * date: walked in that order, siblings come out as step 6 of RFC 5256 §3 wants them, and so do threads as step 4 does, a
 * dummy with its first child. Merging by subject (step 5) only changes parents. */

#define SLOTS_FIRST 1024
#define ABSENT_LEAST (64u << 10) /* dummies allowed however few messages there are */

/* --- from hash to node --- */

struct slots {
    struct slot {
        uint64_t key;
        uint32_t node; /* 0: free */
    } * slot;
    size_t n, cap; /* cap: a power of two */
};

static void slots_init(struct slots *s, size_t expected)
{
    *s = (struct slots){.cap = SLOTS_FIRST};
    while (s->cap < 2 * expected)
        s->cap *= 2;
    s->slot = mem_zalloc(s->cap * sizeof *s->slot);
}

/* Where key is or would go. The caller's keys are chosen by peers, hence the keyed hash. */
static struct slot *slots_at(const struct slots *s, uint64_t key)
{
    size_t i = (size_t)map_hash(span_of(&key, sizeof key));
    for (;; i++) {
        struct slot *at = &s->slot[i & (s->cap - 1)];
        if (at->node == 0 || at->key == key)
            return at;
    }
}

static void slots_put(struct slots *s, uint64_t key, uint32_t node)
{
    struct slot *at = slots_at(s, key);
    s->n += at->node == 0;
    *at = (struct slot){key, node};
    if (4 * s->n < 3 * s->cap)
        return;
    struct slots more = {.n = s->n, .cap = 2 * s->cap};
    more.slot = mem_zalloc(more.cap * sizeof *more.slot);
    for (size_t i = 0; i < s->cap; i++) {
        if (s->slot[i].node)
            *slots_at(&more, s->slot[i].key) = s->slot[i];
    }
    mem_free(s->slot);
    *s = more;
}

/* --- the tree --- */

struct message {
    int64_t sent;
    uint64_t subject;
    uint32_t number, node;
    bool reply;
};

/* About so many steps of one phase. True: it is over. */
typedef bool phase_fn(struct imap_thread_tree *t, size_t steps);

struct imap_thread_tree {
    enum imap_thread_algorithm how;
    struct message *messages; /* in the order of the mailbox */
    size_t n, cap;
    struct slots ids;      /* of message ids */
    struct slots subjects; /* subject to root: the table of step 5, or of ORDEREDSUBJECT */
    struct imap_thread_links links;
    uint32_t *who; /* [node]: message + 1; 0: a dummy */
    uint32_t who_cap;
    size_t absent, absent_max;
    /* afterwards */
    unsigned phase; /* of the algorithm */
    size_t at;      /* in the present phase */
    struct imap_sort_merge order, latest;
    uint32_t *above;        /* [node]: REFS */
    uint32_t *first, *next; /* [node]: child and sibling */
    bool *placed;           /* [node]: a dummy that is among the roots */
    uint32_t *roots;
    size_t root_count;
    /* the text */
    size_t said;     /* roots that have been begun */
    uint32_t saying; /* the node that comes next; 0: the next root */
};

struct imap_thread_tree *imap_thread_tree_new(enum imap_thread_algorithm how, size_t messages)
{
    struct imap_thread_tree *t = mem_new(struct imap_thread_tree);
    t->how = how;
    t->cap = messages + 1;
    t->messages = mem_alloc(t->cap * sizeof *t->messages);
    t->absent_max = ABSENT_LEAST + IMAP_THREAD_TREE_ABSENT * messages;
    slots_init(
        &t->ids,
        2 * messages); /* with ids that are only referred to: growing costs a part of a slice */
    slots_init(&t->subjects, messages);
    imap_thread_links_init(&t->links);
    return t;
}

void imap_thread_tree_free(struct imap_thread_tree **tree)
{
    struct imap_thread_tree *t = *tree;
    if (!t)
        return;
    mem_free(t->messages);
    mem_free(t->ids.slot);
    mem_free(t->subjects.slot);
    imap_thread_links_fini(&t->links);
    mem_free(t->who);
    imap_sort_merge_fini(&t->order);
    imap_sort_merge_fini(&t->latest);
    mem_free(t->above);
    mem_free(t->first);
    mem_free(t->next);
    mem_free(t->placed);
    mem_free(t->roots);
    mem_free(t);
    *tree = NULL;
}

/* --- step 1: references --- */

static uint32_t new_node(struct imap_thread_tree *t, uint32_t who)
{
    uint32_t node = imap_thread_links_node(&t->links);
    if (node >= t->who_cap) {
        t->who_cap = t->links.cap;
        t->who = mem_grow(t->who, t->who_cap * sizeof *t->who);
    }
    t->who[node] = who;
    return node;
}

/* The node of a message: the one that was referred to, unless another message has that id. */
static uint32_t node_of_message(struct imap_thread_tree *t, uint64_t id, uint32_t who)
{
    uint32_t known = id ? slots_at(&t->ids, id)->node : 0;
    if (known && t->who[known] == 0) {
        t->who[known] = who;
        t->absent--;
        return known;
    }
    uint32_t node = new_node(t, who);
    if (id && !known)
        slots_put(&t->ids, id, node);
    return node;
}

/* 0: more dummies than we follow. */
static uint32_t node_of_reference(struct imap_thread_tree *t, uint64_t id)
{
    uint32_t node = slots_at(&t->ids, id)->node;
    if (node == 0 && t->absent < t->absent_max) {
        node = new_node(t, 0);
        t->absent++;
        slots_put(&t->ids, id, node);
    }
    return node;
}

/* 1.A: the references are one another's parents. Returns the last one, 0 if there is none. */
static uint32_t link_references(struct imap_thread_tree *t, const struct imap_thread_message *m)
{
    uint32_t last = 0;
    for (size_t i = 0; i < m->reference_count; i++) {
        uint32_t node = node_of_reference(t, m->references[i]);
        if (node == 0)
            continue;
        if (last && t->links.parent[node] == 0)
            (void)imap_thread_links_join(&t->links, node, last);
        last = node;
    }
    return last;
}

/* 1.B: the last reference is the message's parent, whatever others said. */
static void link_message(struct imap_thread_tree *t, uint32_t node, uint32_t parent)
{
    if (parent && t->links.parent[node] == parent)
        return;
    imap_thread_links_cut(&t->links, node);
    if (parent)
        (void)imap_thread_links_join(&t->links, node, parent);
}

void imap_thread_tree_add(struct imap_thread_tree *t, const struct imap_thread_message *m)
{
    if (t->n == t->cap) {
        t->cap *= 2;
        t->messages = mem_grow(t->messages, t->cap * sizeof *t->messages);
    }
    bool linked = t->how != IMAP_THREAD_ORDEREDSUBJECT;
    uint32_t node = node_of_message(t, linked ? m->id : 0, (uint32_t)t->n + 1);
    t->messages[t->n++] = (struct message){.sent = m->sent,
                                           .subject = m->subject,
                                           .number = m->number,
                                           .node = node,
                                           .reply = m->reply};
    if (linked)
        link_message(t, node, link_references(t, m));
}

/* --- the order of sent dates, for steps 4 and 6 --- */

static uint64_t date_key(int64_t date)
{
    return (uint64_t)date ^ (uint64_t)1 << 63;
}

static void begin_order(struct imap_thread_tree *t)
{
    size_t nodes = t->links.n + 1 + t->n; /* step 5 makes dummies, fewer than there are messages */
    t->first = mem_zalloc(nodes * sizeof *t->first);
    t->next = mem_zalloc(nodes * sizeof *t->next);
    t->placed = mem_zalloc(nodes * sizeof *t->placed);
    t->roots = mem_alloc((t->n + 1) * sizeof *t->roots);
    imap_sort_merge_init(&t->order, t->n, NULL, NULL);
    for (size_t i = 0; i < t->n; i++)
        t->order.items[i] = (struct imap_sort_item){date_key(t->messages[i].sent), 0, (uint32_t)i};
}

static bool phase_order(struct imap_thread_tree *t, size_t steps)
{
    if (!t->order.items)
        begin_order(t);
    return imap_sort_merge_step(&t->order, steps);
}

static struct message *by_date(const struct imap_thread_tree *t, size_t nth)
{
    return &t->messages[t->order.items[nth].nth];
}

/* --- steps 2 and 3: dummies go, but for those that hold several threads together --- */

/* The nearest message above, or the dummy on top; the ways there are made short for the next. */
static uint32_t lasting_parent(struct imap_thread_tree *t, uint32_t node)
{
    uint32_t *parent = t->links.parent, end = parent[node];
    while (end && t->who[end] == 0 && parent[end])
        end = parent[end];
    for (uint32_t at = parent[node]; at != end;) {
        uint32_t above = parent[at];
        parent[at] = end;
        at = above;
    }
    return end;
}

static bool phase_prune(struct imap_thread_tree *t, size_t steps)
{
    for (; steps > 0 && t->at < t->n; t->at++, steps--) {
        uint32_t node = t->messages[t->at].node;
        uint32_t parent = lasting_parent(t, node);
        t->links.parent[node] = parent;
        if (parent &&
            t->who[parent] == 0) /* first and next count the children of dummies here: one, more */
            *(t->first[parent] ? &t->next[parent] : &t->first[parent]) = 1;
    }
    return t->at == t->n;
}

/* A dummy with one child gives its place to it. */
static bool phase_promote(struct imap_thread_tree *t, size_t steps)
{
    for (; steps > 0 && t->at < t->n; t->at++, steps--) {
        uint32_t node = t->messages[t->at].node, parent = t->links.parent[node];
        if (parent && t->who[parent] == 0 && !t->next[parent])
            t->links.parent[node] = 0;
    }
    return t->at == t->n;
}

/* --- steps 4 and 6: threads and siblings in order --- */

/* Dummies that were merged into another have it as their parent. */
static uint32_t parent_now(const struct imap_thread_tree *t, uint32_t node)
{
    uint32_t parent = t->links.parent[node];
    return parent && t->who[parent] == 0 && t->links.parent[parent] ? t->links.parent[parent]
                                                                    : parent;
}

static void begin_place(struct imap_thread_tree *t)
{
    t->root_count = 0;
    memset(t->first, 0, (t->links.n + 1) * sizeof *t->first);
    memset(t->placed, 0, (t->links.n + 1) * sizeof *t->placed);
}

/* first of a node holds its last child so far here, whose next is the first one: a ring grows at its end. */
static void append_child(struct imap_thread_tree *t, uint32_t parent, uint32_t node)
{
    uint32_t last = t->first[parent];
    t->next[node] = last ? t->next[last] : node;
    if (last)
        t->next[last] = node;
    t->first[parent] = node;
}

static bool phase_place(struct imap_thread_tree *t, size_t steps)
{
    if (t->at == 0)
        begin_place(t);
    for (; steps > 0 && t->at < t->n; t->at++, steps--) {
        uint32_t node = by_date(t, t->at)->node, parent = parent_now(t, node);
        uint32_t root = parent == 0 ? node : t->who[parent] == 0 ? parent : 0;
        t->links.parent[node] = parent;
        if (parent)
            append_child(t, parent, node);
        if (root && !t->placed[root])
            t->roots[t->root_count++] = root;
        if (root)
            t->placed[root] = true;
    }
    return t->at == t->n;
}

/* The rings become lists. */
static bool phase_open_rings(struct imap_thread_tree *t, size_t steps)
{
    for (; steps > 0 && t->at <= t->links.n; t->at++, steps--) {
        uint32_t last = t->first[t->at];
        if (last) {
            t->first[t->at] = t->next[last];
            t->next[last] = 0;
        }
    }
    return t->at > t->links.n;
}

/* --- step 5: threads with the same subject are one --- */

static const struct message *speaks_for(const struct imap_thread_tree *t, uint32_t root)
{
    uint32_t node = t->who[root] ? root : t->first[root];
    return &t->messages[t->who[node] - 1];
}

static bool is_reply(const struct imap_thread_tree *t, uint32_t node)
{
    return t->who[node] != 0 && t->messages[t->who[node] - 1].reply;
}

static bool phase_subjects(struct imap_thread_tree *t, size_t steps)
{
    for (; steps > 0 && t->at < t->root_count; t->at++, steps--) {
        uint32_t root = t->roots[t->at];
        uint64_t subject = speaks_for(t, root)->subject;
        if (subject == 0)
            continue;
        uint32_t known = slots_at(&t->subjects, subject)->node;
        if (known == 0 || (t->who[known] != 0 &&
                           (t->who[root] == 0 || (is_reply(t, known) && !is_reply(t, root)))))
            slots_put(&t->subjects, subject, root);
    }
    return t->at == t->root_count;
}

/* A dummy more, with both below it. first and next have room for one for each message. */
static void merge_below_dummy(struct imap_thread_tree *t, uint64_t subject, uint32_t a, uint32_t b)
{
    uint32_t dummy = new_node(t, 0);
    t->links.parent[a] = t->links.parent[b] = dummy;
    slots_put(&t->subjects, subject, dummy);
}

static bool phase_merge(struct imap_thread_tree *t, size_t steps)
{
    for (; steps > 0 && t->at < t->root_count; t->at++, steps--) {
        uint32_t root = t->roots[t->at];
        uint64_t subject = speaks_for(t, root)->subject;
        uint32_t into = subject ? slots_at(&t->subjects, subject)->node : root;
        if (into == root)
            continue;
        if (t->who[into] == 0 || (is_reply(t, root) && !is_reply(t, into)))
            t->links.parent[root] = into;
        else
            merge_below_dummy(t, subject, root, into);
    }
    return t->at == t->root_count;
}

/* --- REFS: the thread with the latest message is the last --- */

/* The root above node, by ways that become short. */
static uint32_t root_above(uint32_t *above, uint32_t node)
{
    uint32_t end = node;
    while (above[end])
        end = above[end];
    while (node != end) {
        uint32_t step = above[node];
        above[node] = end;
        node = step;
    }
    return end;
}

static void begin_latest(struct imap_thread_tree *t)
{
    t->above = mem_alloc((t->links.n + 1) * sizeof *t->above);
    memcpy(t->above, t->links.parent, (t->links.n + 1) * sizeof *t->above);
    imap_sort_merge_init(&t->latest, t->root_count, NULL, NULL);
    for (size_t i = 0; i < t->root_count; i++) {
        uint32_t first = (uint32_t)(speaks_for(t, t->roots[i]) - t->messages);
        t->latest.items[i] = (struct imap_sort_item){0, 0, first};
        t->next[t->roots[i]] = (uint32_t)i; /* a root has no sibling: where it stands */
    }
}

static bool phase_latest(struct imap_thread_tree *t, size_t steps)
{
    if (t->at == 0)
        begin_latest(t);
    for (; steps > 0 && t->at < t->n; t->at++, steps--) {
        const struct message *m = &t->messages[t->at];
        uint64_t *key = &t->latest.items[t->next[root_above(t->above, m->node)]].key;
        if (date_key(m->sent) > *key)
            *key = date_key(m->sent);
    }
    return t->at == t->n;
}

static bool phase_latest_order(struct imap_thread_tree *t, size_t steps)
{
    if (!imap_sort_merge_step(&t->latest, steps))
        return false;
    for (size_t i = 0; i < t->root_count; i++) {
        uint32_t node = t->messages[t->latest.items[i].nth].node;
        t->roots[i] = t->links.parent[node] ? t->links.parent[node] : node;
    }
    return true;
}

/* --- ORDEREDSUBJECT --- */

static bool phase_group(struct imap_thread_tree *t, size_t steps)
{
    for (; steps > 0 && t->at < t->n; t->at++, steps--) {
        const struct message *m = by_date(t, t->at);
        uint32_t root = slots_at(&t->subjects, m->subject)->node;
        if (root == 0)
            slots_put(&t->subjects, m->subject, m->node);
        t->links.parent[m->node] = root;
    }
    return t->at == t->n;
}

/* --- the whole --- */

#define PHASES_MAX 10

static phase_fn *const phases[][PHASES_MAX] = {
    [IMAP_THREAD_ORDEREDSUBJECT] = {phase_order, phase_group, phase_place, phase_open_rings},
    [IMAP_THREAD_REFERENCES] = {phase_order, phase_prune, phase_promote, phase_place,
                                phase_open_rings, phase_subjects, phase_merge, phase_place,
                                phase_open_rings},
    [IMAP_THREAD_REFS] = {phase_order, phase_prune, phase_promote, phase_place, phase_open_rings,
                          phase_latest, phase_latest_order},
};

bool imap_thread_tree_step(struct imap_thread_tree *t, size_t steps)
{
    phase_fn *phase = phases[t->how][t->phase];
    if (phase && phase(t, steps)) {
        t->phase++;
        t->at = 0;
    }
    return phases[t->how][t->phase] == NULL;
}

/* --- the response --- */

/* What stands behind a node whose children have all been said: goes up to where there is something left to say. */
static uint32_t close_lists(struct imap_thread_tree *t, uint32_t node, struct buf *out)
{
    for (;; node = t->links.parent[node]) {
        uint32_t parent = t->links.parent[node];
        if (parent == 0) {
            buf_byte(out, ')');
            return 0;
        }
        if (t->next[t->first[parent]] == 0) /* an only child stands in its parent's list */
            continue;
        buf_byte(out, ')');
        if (t->next[node]) {
            buf_byte(out, '(');
            return t->next[node];
        }
    }
}

/* thread-list = "(" (thread-members / thread-nested) ")" */
static uint32_t say_node(struct imap_thread_tree *t, uint32_t node, struct buf *out)
{
    uint32_t child = t->first[node];
    bool nested = child && t->next[child];
    if (t->who[node])
        buf_u64(out, t->messages[t->who[node] - 1].number);
    if (child && t->who[node])
        buf_byte(out, ' ');
    if (nested)
        buf_byte(out, '(');
    return child ? child : close_lists(t, node, out);
}

bool imap_thread_tree_text(struct imap_thread_tree *t, size_t bytes, struct buf *out)
{
    size_t began = out->n;
    while (out->n - began < bytes) {
        if (t->saying == 0) {
            if (t->said == t->root_count)
                return true;
            t->saying = t->roots[t->said++];
            buf_byte(out, '(');
        }
        t->saying = say_node(t, t->saying, out);
    }
    return false;
}
