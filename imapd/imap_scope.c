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

struct imap_scope_heap {
    struct imap_session *session;
    struct txn *t;
    struct arena *a;
    struct mailbox *boxes;
    size_t n, named; /* those that were named themselves come first */
};

static bool imap_scope_has_box(const struct imap_scope_heap *h, uint64_t id, size_t among)
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

static enum err imap_scope_named(struct imap_scope_heap *h, const struct imap_scope *scope,
                                 struct fault *f)
{
    enum err e = ERR_OK;
    for (size_t i = 0; scope->kind == IMAP_SCOPE_MAILBOXES && i < scope->n && e == ERR_OK; i++) {
        struct mailbox *box = &h->boxes[h->n];
        e = imap_reach(h->session, h->t, h->a, scope->names[i], ACL_READ, box, f);
        if (e == ERR_OK && !imap_scope_has_box(h, box->id, h->n))
            h->n++;
        e = imap_scope_pass(e);
    }
    return e;
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

static bool imap_scope_has(const struct imap_session *s, const struct imap_scope *scope,
                           const struct imap_tree_node *node)
{
    bool own = node->box.account == s->account;
    switch (scope->kind) {
    case IMAP_SCOPE_SELECTED:
    case IMAP_SCOPE_SELECTED_DELAYED:
    case IMAP_SCOPE_MAILBOXES:
        return false;
    case IMAP_SCOPE_INBOXES: /* where mail is delivered to */
        return own && span_eq(node->box.name, SPAN("INBOX"));
    case IMAP_SCOPE_PERSONAL:
        return own;
    case IMAP_SCOPE_SUBSCRIBED:
        return node->subscribed;
    case IMAP_SCOPE_SUBTREE:
    case IMAP_SCOPE_SUBTREE_ONE:
        for (size_t i = 0; i < scope->n; i++) {
            if (imap_scope_below(node->box.name, scope->names[i],
                                 scope->kind == IMAP_SCOPE_SUBTREE_ONE))
                return true;
        }
        return false;
    }
    return false;
}

static enum err imap_scope_node(struct imap_scope_heap *h, const struct imap_scope *scopes,
                                size_t n, const struct imap_tree_node *node, struct fault *f)
{
    size_t i = 0;
    while (i < n && !imap_scope_has(h->session, &scopes[i], node))
        i++;
    if (i == n || !node->exists || imap_scope_has_box(h, node->box.id, h->named))
        return ERR_OK;
    enum err e = acl_authorize(h->t, h->session->account, &node->box, ACL_READ | ACL_LOOKUP, f);
    if (e == ERR_OK)
        h->boxes[h->n++] = node->box;
    return imap_scope_pass(e);
}

enum err imap_scope_mailboxes(struct imap_session *s, struct txn *t, struct arena *a,
                              const struct imap_scope *scopes, size_t n, struct mailbox **out,
                              size_t *n_out, struct fault *f)
{
    struct imap_tree tree = {0};
    size_t named = 0;
    bool others = false;
    for (size_t i = 0; i < n; i++) {
        named += scopes[i].n;
        others |= scopes[i].kind >= IMAP_SCOPE_INBOXES && scopes[i].kind != IMAP_SCOPE_MAILBOXES;
    }
    enum err e = others ? imap_tree_read(&tree, t, a, s->account, f) : ERR_OK;
    struct imap_scope_heap h = {.session = s, .t = t, .a = a};
    h.boxes = arena_alloc(a, (tree.n + named + 1) * sizeof *h.boxes);
    for (size_t i = 0; e == ERR_OK && i < n; i++)
        e = imap_scope_named(&h, &scopes[i], f);
    h.named = h.n;
    for (size_t i = 0; e == ERR_OK && i < tree.n; i++)
        e = imap_scope_node(&h, scopes, n, &tree.nodes[i], f);
    *out = h.boxes;
    *n_out = h.n;
    return e;
}
