#include "imapd/imap_scope.h"

#include "imapd/imap_parse.h"
#include "imapd/imap_reach.h"
#include "imapd/imap_session.h"
#include "imapd/imap_tree.h"

/* --- the grammar --- */

/* clang-format off */
static const struct {
    struct span word;
    enum imap_scope_kind kind;
    bool names;
} imap_scope_words[] = {
    /* a longer word before the one it begins with */
    {SPAN_ROW("SELECTED-DELAYED"), IMAP_SCOPE_SELECTED_DELAYED, false},
    {SPAN_ROW("SELECTED"),         IMAP_SCOPE_SELECTED,         false},
    {SPAN_ROW("INBOXES"),          IMAP_SCOPE_INBOXES,          false},
    {SPAN_ROW("PERSONAL"),         IMAP_SCOPE_PERSONAL,         false},
    {SPAN_ROW("SUBSCRIBED"),       IMAP_SCOPE_SUBSCRIBED,       false},
    {SPAN_ROW("SUBTREE-ONE"),      IMAP_SCOPE_SUBTREE_ONE,      true},
    {SPAN_ROW("SUBTREE"),          IMAP_SCOPE_SUBTREE,          true},
    {SPAN_ROW("MAILBOXES"),        IMAP_SCOPE_MAILBOXES,        true},
};
/* clang-format on */

/* one-or-more-mailbox = mailbox / many-mailboxes    many-mailboxes = "(" mailbox *(SP mailbox) ")"    RFC 5465 §8 */
static void imap_scope_names(struct scan *s, struct arena *a, bool utf8, struct imap_scope *out)
{
    struct span *names = arena_alloc(a, IMAP_SCOPE_NAME_COUNT * sizeof *names);
    imap_parse_sp(s);
    bool several = scan_try(s, '(');
    do {
        if (out->n == IMAP_SCOPE_NAME_COUNT)
            scan_fail(s, "Too many mailboxes");
        struct span name = imap_parse_mailbox(s, a, utf8);
        if (scan_ok(s))
            names[out->n++] = arena_keep(a, name);
    } while (several && scan_try(s, ' '));
    if (several)
        scan_byte(s, ')', "Expected ) behind the mailboxes");
    out->names = names;
}

/* filter-mailboxes = filter-mailboxes-selected / filter-mailboxes-other    RFC 5465 §8, RFC 7377 §4 */
struct imap_scope imap_scope_parse(struct scan *s, struct arena *a, bool utf8)
{
    struct imap_scope out = {0};
    for (size_t i = 0; i < sizeof imap_scope_words / sizeof *imap_scope_words; i++) {
        if (!scan_try_word(s, imap_scope_words[i].word))
            continue;
        out.kind = imap_scope_words[i].kind;
        if (imap_scope_words[i].names)
            imap_scope_names(s, a, utf8, &out);
        return out;
    }
    scan_fail(s, "Expected which mailboxes are meant");
    return out;
}

/* --- the mailboxes --- */

#define IMAP_SCOPE_LOOK_COUNT 16 /* names between two looks at the clock */

struct imap_scope_reader {
    struct imap_session *session;
    struct arena *a;
    const struct imap_scope *scopes;
    size_t scope_count;
    struct mailbox *boxes;
    size_t n, named;    /* those that were named themselves come first */
    size_t scope, name; /* the next of them */
    struct imap_tree_reader *names;
    struct imap_tree tree;
    bool grown;
    size_t node; /* the next of the tree */
    bool (*enough)(void *arg);
    void *arg;
    unsigned looked;
};

static bool imap_scope_has_box(const struct imap_scope_reader *h, uint64_t id, size_t among)
{
    for (size_t i = 0; i < among; i++) {
        if (h->boxes[i].id == id)
            return true;
    }
    return false;
}

/* Rights that are not there are no error here. */
static enum err imap_scope_pass(enum err e)
{
    return e == ERR_NOTFOUND || e == ERR_DENIED || e == ERR_INVALID ? ERR_OK : e;
}

static bool imap_scope_enough(struct imap_scope_reader *r)
{
    return r->enough && ++r->looked % IMAP_SCOPE_LOOK_COUNT == 0 && r->enough(r->arg);
}

/* True: all names have been looked up. */
static bool imap_scope_named(struct imap_scope_reader *r, struct txn *t, enum err *e,
                             struct fault *f)
{
    while (r->scope < r->scope_count) {
        const struct imap_scope *scope = &r->scopes[r->scope];
        if (scope->kind != IMAP_SCOPE_MAILBOXES || r->name == scope->n) {
            r->scope++;
            r->name = 0;
            continue;
        }
        struct mailbox *box = &r->boxes[r->n];
        *e = imap_reach(r->session, t, r->a, scope->names[r->name++], ACL_READ, box, f);
        if (*e == ERR_OK && !imap_scope_has_box(r, box->id, r->n))
            r->n++;
        *e = imap_scope_pass(*e);
        if (*e != ERR_OK || imap_scope_enough(r))
            return false;
    }
    r->named = r->n;
    return true;
}

/* The name is top, or below it: one level, or any number of them. */
static bool imap_scope_below(struct span name, struct span top, bool one)
{
    if (span_eq(name, top))
        return true;
    if (top.n > 0 &&
        (name.n <= top.n || name.p[top.n] != '/' || !span_eq(span_to(name, top.n), top)))
        return false;
    struct span rest = span_from(name, top.n > 0 ? top.n + 1 : 0);
    return !one || span_find(rest, '/') == rest.n;
}

static bool imap_scope_is(enum imap_scope_kind kind, struct span name, struct span given)
{
    return kind == IMAP_SCOPE_MAILBOXES
               ? span_eq(name, given)
               : imap_scope_below(name, given, kind == IMAP_SCOPE_SUBTREE_ONE);
}

bool imap_scope_covers(const struct imap_scope *scope, struct span name, bool own, bool subscribed)
{
    switch (scope->kind) {
    case IMAP_SCOPE_SELECTED:
    case IMAP_SCOPE_SELECTED_DELAYED:
        return false;
    case IMAP_SCOPE_INBOXES: /* where mail is delivered to */
        return own && span_eq(name, SPAN("INBOX"));
    case IMAP_SCOPE_PERSONAL:
        return own;
    case IMAP_SCOPE_SUBSCRIBED:
        return subscribed;
    case IMAP_SCOPE_SUBTREE:
    case IMAP_SCOPE_SUBTREE_ONE:
    case IMAP_SCOPE_MAILBOXES:
        for (size_t i = 0; i < scope->n; i++) {
            if (imap_scope_is(scope->kind, name, scope->names[i]))
                return true;
        }
        return false;
    }
    return false;
}

/* Those that are named themselves were found already. */
static bool imap_scope_has(const struct imap_session *s, const struct imap_scope *scope,
                           const struct imap_tree_node *node)
{
    return scope->kind != IMAP_SCOPE_MAILBOXES &&
           imap_scope_covers(scope, node->box.name, node->box.account == s->account,
                             node->subscribed);
}

static enum err imap_scope_node(struct imap_scope_reader *r, struct txn *t,
                                const struct imap_tree_node *node, struct fault *f)
{
    size_t i = 0;
    while (i < r->scope_count && !imap_scope_has(r->session, &r->scopes[i], node))
        i++;
    if (i == r->scope_count || !node->exists || imap_scope_has_box(r, node->box.id, r->named))
        return ERR_OK;
    enum err e = acl_authorize(t, r->session->account, &node->box, ACL_READ | ACL_LOOKUP, f);
    if (e == ERR_OK)
        r->boxes[r->n++] = node->box;
    return imap_scope_pass(e);
}

struct imap_scope_reader *imap_scope_begin(struct imap_session *s, struct arena *a,
                                           const struct imap_scope *scopes, size_t n)
{
    struct imap_scope_reader *r = arena_new_of(a, struct imap_scope_reader);
    size_t named = 0;
    bool others = false;
    *r = (struct imap_scope_reader){.session = s, .a = a, .scopes = scopes, .scope_count = n};
    for (size_t i = 0; i < n; i++) {
        named += scopes[i].kind == IMAP_SCOPE_MAILBOXES ? scopes[i].n : 0;
        others |= scopes[i].kind >= IMAP_SCOPE_INBOXES && scopes[i].kind != IMAP_SCOPE_MAILBOXES;
    }
    r->boxes = arena_alloc(a, (named + 1) * sizeof *r->boxes);
    if (others)
        r->names = imap_tree_begin(a, s->account, true);
    return r;
}

void imap_scope_end(struct imap_scope_reader *r)
{
    if (r->names)
        imap_tree_end(r->names);
}

/* All names of the tree are known: room for all of them. */
static void imap_scope_grow(struct imap_scope_reader *r)
{
    struct mailbox *more = arena_alloc(r->a, (r->n + r->tree.n + 1) * sizeof *more);
    if (r->n > 0)
        memcpy(more, r->boxes, r->n * sizeof *more);
    r->boxes = more;
    r->grown = true;
}

static bool imap_scope_tree(struct imap_scope_reader *r, struct txn *t, enum err *e,
                            struct fault *f)
{
    bool read = r->grown;
    if (!read)
        *e = imap_tree_more(r->names, t, r->enough, r->arg, &read, &r->tree, f);
    if (*e != ERR_OK || !read)
        return false;
    if (!r->grown)
        imap_scope_grow(r);
    while (r->node < r->tree.n) {
        *e = imap_scope_node(r, t, &r->tree.nodes[r->node++], f);
        if (*e != ERR_OK || imap_scope_enough(r))
            return false;
    }
    return true;
}

enum err imap_scope_more(struct imap_scope_reader *r, struct txn *t, bool (*enough)(void *arg),
                         void *arg, bool *done, struct mailbox **out, size_t *n_out,
                         struct fault *f)
{
    enum err e = ERR_OK;
    r->enough = enough;
    r->arg = arg;
    *done = imap_scope_named(r, t, &e, f) && (!r->names || imap_scope_tree(r, t, &e, f));
    *out = r->boxes;
    *n_out = r->n;
    return e;
}
