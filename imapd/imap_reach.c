#include "imapd/imap_reach.h"

#include "imapd/imap_session.h"
#include "store/directory.h"
#include "store/flags.h"

#include <stdlib.h>

#define OTHERS SPAN(IMAP_REACH_OTHERS)
#define SHARED SPAN(IMAP_REACH_SHARED)
#define ADDRESS_BYTES 1000 /* no address of the directory is longer */

/* --- names --- */

static bool starts(struct span name, struct span root)
{
    return span_eq(span_to(name, root.n), root);
}

/* The name is the root itself, without its delimiter. */
static bool is_root(struct span name, struct span root)
{
    return span_eq(name, span_to(root, root.n - 1));
}

bool imap_reach_is_foreign(struct span name)
{
    return starts(name, OTHERS) || starts(name, SHARED);
}

/* In a level of a name an address has "~" and two hexadecimal digits for what cannot stand there. */
static const char digits[] = "0123456789ABCDEF";

static bool is_escaped(char c)
{
    return c == '/' || c == '%' || c == '*' || c == '~';
}

static void add_address(struct buf *name, struct span address)
{
    for (size_t i = 0; i < address.n; i++) {
        unsigned char c = (unsigned char)address.p[i];
        if (is_escaped(address.p[i]))
            (void)buf_addf(name, "~%c%c", digits[c >> 4], digits[c & 15]);
        else
            (void)buf_byte(name, address.p[i]);
    }
}

static size_t digit(char c)
{
    return span_find(span_cstr(digits), c);
}

/* False: not what add_address makes of any address. */
static bool get_address(struct span level, char out[ADDRESS_BYTES], struct span *address)
{
    size_t n = 0;
    if (level.n > ADDRESS_BYTES)
        return false;
    for (size_t i = 0; i < level.n; i++) {
        char c = level.p[i];
        if (c == '~') {
            size_t high = i + 2 < level.n ? digit(level.p[i + 1]) : 16,
                   low = high < 16 ? digit(level.p[i + 2]) : 16;
            c = low < 16 ? (char)(high << 4 | low) : '\0';
            if (!is_escaped(c))
                return false;
            i += 2;
        }
        out[n++] = c;
    }
    *address = span_of(out, n);
    return n > 0;
}

/* --- owners --- */

static enum err no_owner(struct fault *f)
{
    return fault_set(f, ERR_NOTFOUND, "no such mailbox");
}

static enum err find_owner(struct txn *t, struct span address, bool shared, uint64_t *account_out,
                           struct fault *f)
{
    struct account owner;
    bool is_shared = false;
    struct arena *a = arena_new();
    enum err e = directory_account_find(t, a, address, &owner, f);
    arena_free(&a);
    if (e == ERR_OK)
        e = directory_account_shared(t, owner.id, &is_shared, f);
    *account_out = owner.id;
    return e == ERR_NOTFOUND || (e == ERR_OK && shared != is_shared) ? no_owner(f) : e;
}

enum err imap_reach_owner(struct imap_session *s, struct txn *t, struct span name,
                          uint64_t *account_out, struct span *own_name_out, struct fault *f)
{
    char bytes[ADDRESS_BYTES];
    struct span address;
    struct mailbox own;
    *account_out = s->account;
    *own_name_out = name;
    if (!imap_reach_is_foreign(name))
        return ERR_OK;
    enum err e = mailbox_find(t, NULL, s->account, name, &own, f);
    if (e != ERR_NOTFOUND)
        return e;
    bool shared = starts(name, SHARED);
    struct span rest = span_from(name, shared ? SHARED.n : OTHERS.n);
    size_t level = span_find(rest, '/');
    if (level + 1 >= rest.n || !get_address(span_to(rest, level), bytes, &address))
        return no_owner(f);
    *own_name_out = span_from(rest, level + 1);
    e = find_owner(t, address, shared, account_out, f);
    return e == ERR_OK && *account_out == s->account ? no_owner(f) : e;
}

enum err imap_reach(struct imap_session *s, struct txn *t, struct arena *a, struct span name,
                    unsigned rights, struct mailbox *out, struct fault *f)
{
    uint64_t account;
    struct span own;
    enum err e = imap_reach_owner(s, t, name, &account, &own, f);
    if (e == ERR_OK)
        e = mailbox_find(t, a, account, own, out, f);
    if (e == ERR_OK)
        e = acl_authorize(t, s->account, out, rights, f);
    if (e != ERR_OK)
        return e;
    if (account != s->account) {
        out->name = name;
        out->uses = 0;
    }
    return ERR_OK;
}

/* --- what is not there yet --- */

static enum err not_here(struct fault *f)
{
    return fault_set(f, ERR_DENIED, "no right to make mailboxes there");
}

/* The right "k" on the nearest mailbox above own that the user may know of; a nearer one that it may not know of stands in
 * the way. *above: whether there is any. */
static enum err may_make(struct imap_session *s, struct txn *t, uint64_t account, struct span own,
                         bool *above, struct fault *f)
{
    bool hidden = false;
    *above = false;
    for (own = mailbox_above(own); own.n > 0; own = mailbox_above(own)) {
        struct mailbox box;
        unsigned rights = 0;
        enum err e = mailbox_find(t, NULL, account, own, &box, f);
        if (e == ERR_NOTFOUND)
            continue;
        *above = true;
        if (e == ERR_OK)
            e = acl_rights(t, s->account, &box, &rights, f);
        if (e != ERR_OK)
            return e;
        if (rights & ACL_CREATE)
            return hidden ? not_here(f) : ERR_OK;
        if (rights & ACL_LOOKUP)
            return not_here(f);
        hidden = true;
    }
    return *above ? not_here(f) : ERR_OK;
}

/* In a shared account INBOX stands for the whole of it. */
static enum err may_make_top(struct imap_session *s, struct txn *t, uint64_t account,
                             struct fault *f)
{
    struct mailbox inbox;
    bool shared = false;
    enum err e = directory_account_shared(t, account, &shared, f);
    if (e == ERR_OK && shared)
        e = mailbox_find(t, NULL, account, SPAN("INBOX"), &inbox, f);
    if (e == ERR_OK)
        e = shared ? acl_authorize(t, s->account, &inbox, ACL_CREATE, f) : not_here(f);
    return e == ERR_NOTFOUND ? not_here(f) : e;
}

enum err imap_reach_new(struct imap_session *s, struct txn *t, struct span name,
                        uint64_t *account_out, struct span *own_name_out, struct fault *f)
{
    bool above;
    if (is_root(name, OTHERS) || is_root(name, SHARED))
        return fault_set(f, ERR_INVALID, "a name of the server's");
    enum err e = imap_reach_owner(s, t, name, account_out, own_name_out, f);
    if (e == ERR_NOTFOUND)
        return not_here(f);
    if (e == ERR_OK)
        e = may_make(s, t, *account_out, *own_name_out, &above, f);
    if (e == ERR_OK && !above && *account_out != s->account)
        e = may_make_top(s, t, *account_out, f);
    return e;
}

/* --- the selected one --- */

static enum err selected_rights(struct imap_session *s, struct txn *t, struct mailbox *box,
                                unsigned *rights, struct fault *f)
{
    enum err e = mailbox_get(t, NULL, s->view->mailbox, box, f);
    return e == ERR_OK ? acl_rights(t, s->account, box, rights, f) : e;
}

enum err imap_reach_selected(struct imap_session *s, struct txn *t, unsigned rights,
                             struct fault *f)
{
    struct mailbox box;
    unsigned given;
    enum err e = selected_rights(s, t, &box, &given, f);
    if (e != ERR_OK || ((given & rights) == rights && (given & ACL_ANY)))
        return e;
    return given & ACL_READ ? fault_set(f, ERR_DENIED, "no right to do that") /* it knows of it */
                            : acl_authorize(t, s->account, &box, rights, f);
}

enum err imap_reach_flags(struct imap_session *s, struct txn *t, const struct flags_change *change,
                          struct fault *f)
{
    struct mailbox box;
    uint32_t flags = change->wanted.system;
    unsigned given, one_of = 0;
    if (change->how == FLAGS_REPLACE || (flags & FLAGS_SEEN))
        one_of |= ACL_SEEN;
    if (change->how == FLAGS_REPLACE || (flags & FLAGS_DELETED))
        one_of |= ACL_DELETE;
    if (change->how == FLAGS_REPLACE || change->wanted.keyword_count > 0 ||
        (flags & ~(uint32_t)(FLAGS_SEEN | FLAGS_DELETED)))
        one_of |= ACL_WRITE;
    enum err e = selected_rights(s, t, &box, &given, f);
    if (e != ERR_OK || one_of == 0 || (given & one_of))
        return e;
    return fault_set(f, ERR_DENIED, "no right to change these flags");
}

/* --- all of them --- */

static bool add_given(void *arg, uint64_t mailbox)
{
    return buf_add(arg, span_of(&mailbox, sizeof mailbox));
}

static int id_order(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

enum err imap_reach_walk(struct imap_reach_walk *w, struct txn *t, struct arena *a,
                         uint64_t account, struct fault *f)
{
    struct buf ids;
    *w = (struct imap_reach_walk){.a = a, .account = account};
    buf_init(&ids, SIZE_MAX);
    enum err e = acl_each_given(t, account, add_given, &ids, f);
    if (e == ERR_OK)
        e = acl_each_given(t, 0, add_given, &ids, f);
    if (e == ERR_OK && ids.n > 0) {
        w->n = ids.n / sizeof *w->ids;
        w->ids = arena_alloc(a, ids.n);
        memcpy(w->ids, ids.p, ids.n);
        qsort(w->ids, w->n, sizeof *w->ids, id_order);
    }
    buf_fini(&ids);
    return e;
}

/* What the names of an owner's mailboxes begin with; kept in w for the next. */
static enum err prefix_of(struct imap_reach_walk *w, struct txn *t, uint64_t account,
                          struct fault *f)
{
    struct account owner;
    struct buf prefix;
    bool shared = false;
    if (w->owner == account)
        return ERR_OK;
    enum err e = directory_account_get(t, w->a, account, &owner, f);
    if (e == ERR_OK)
        e = directory_account_shared(t, account, &shared, f);
    if (e != ERR_OK)
        return e;
    buf_init(&prefix, 4 * ADDRESS_BYTES);
    (void)buf_add(&prefix, shared ? SHARED : OTHERS);
    add_address(&prefix, owner.address);
    (void)buf_byte(&prefix, '/');
    w->prefix = arena_keep(w->a, buf_span(&prefix));
    w->owner = account;
    buf_fini(&prefix);
    return ERR_OK;
}

/* ERR_NOTFOUND: it is not one of those. */
static enum err look_at(struct imap_reach_walk *w, struct txn *t, uint64_t id, struct mailbox *out,
                        struct fault *f)
{
    enum err e = mailbox_get(t, w->a, id, out, f);
    if (e == ERR_OK)
        e = out->account == w->account ? ERR_NOTFOUND
                                       : acl_authorize(t, w->account, out, ACL_LOOKUP, f);
    if (e == ERR_OK)
        e = prefix_of(w, t, out->account, f);
    if (e != ERR_OK)
        return e;
    if (w->prefix.n + out->name.n > MAILBOX_NAME_BYTES)
        return ERR_NOTFOUND; /* no command could name it */
    out->name = arena_printf(w->a, "%.*s%.*s", SPAN_ARG(w->prefix), SPAN_ARG(out->name));
    out->uses = 0;
    return ERR_OK;
}

enum err imap_reach_walk_next(struct imap_reach_walk *w, struct txn *t, struct mailbox *out,
                              bool *seen, struct fault *f)
{
    *seen = false;
    if (w->at == w->n)
        return ERR_NOTFOUND;
    uint64_t id = w->ids[w->at++];
    if (w->at > 1 && id == w->ids[w->at - 2]) /* given to both the user and anyone */
        return ERR_OK;
    enum err e = look_at(w, t, id, out, f);
    *seen = e == ERR_OK;
    return e == ERR_NOTFOUND ? ERR_OK : e;
}

enum err imap_reach_others(struct txn *t, struct arena *a, uint64_t account, uint64_t id,
                           struct mailbox *out, struct fault *f)
{
    return look_at(&(struct imap_reach_walk){.a = a, .account = account}, t, id, out, f);
}

enum err imap_reach_name(struct imap_session *s, struct txn *t, struct arena *a, uint64_t owner,
                         struct span own_name, struct span *out, struct fault *f)
{
    struct imap_reach_walk w = {.a = a, .account = s->account};
    enum err e = owner == s->account ? ERR_OK : prefix_of(&w, t, owner, f);
    if (e == ERR_OK && w.prefix.n + own_name.n > MAILBOX_NAME_BYTES)
        e = ERR_NOTFOUND;
    if (e == ERR_OK)
        *out = arena_printf(a, "%.*s%.*s", SPAN_ARG(w.prefix), SPAN_ARG(own_name));
    return e;
}
