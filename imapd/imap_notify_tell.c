#include "imapd/imap_notify_state.h"

#include "imapd/imap_parse.h"
#include "imapd/imap_reach.h"
#include "imapd/imap_status.h"
#include "imapd/imap_use.h"

/* Room: the untagged responses of NOTIFY. Each is true of the snapshot in which it is told, which may be younger than the event:
 * then another one follows. */

/* A mailbox as the session sees it now. */
struct sight {
    struct mailbox box; /* with the name that the session knows */
    bool own, subscribed;
    unsigned rights, events;
};

/* Groups are asked in order: what any of them wants counts, but one with NONE is the last to be asked (RFC 5465 §6). */
unsigned imap_notify_tell_events(const struct imap_notify *n, struct span name, bool own,
                                 bool subscribed)
{
    unsigned events = n->session->enabled & IMAP_METADATA ? NOTIFY_METADATA : 0;
    for (size_t i = 0; i < n->groups.n; i++) {
        const struct imap_notify_group *g = &n->groups.list[i];
        if (!imap_scope_covers(&g->scope, name, own, subscribed))
            continue;
        if (!g->events)
            break;
        events |= g->events;
    }
    return events;
}

static enum err complete(struct imap_notify *n, struct txn *t, struct sight *w, struct fault *f)
{
    struct imap_session *s = n->session;
    enum err e = mailbox_subscribed(t, s->account, w->box.name, &w->subscribed, f);
    if (e == ERR_OK)
        e = acl_rights(t, s->account, &w->box, &w->rights, f);
    w->own = w->box.account == s->account;
    w->events = imap_notify_tell_events(n, w->box.name, w->own, w->subscribed);
    return e;
}

static enum err find(struct imap_notify *n, struct txn *t, struct arena *a, uint64_t id,
                     struct sight *w, struct fault *f)
{
    enum err e = mailbox_get(t, a, id, &w->box, f);
    if (e == ERR_OK)
        e = imap_reach_name(n->session, t, a, w->box.account, w->box.name, &w->box.name, f);
    if (e == ERR_OK)
        e = complete(n, t, w, f);
    if (e == ERR_OK && !w->own)
        w->box.uses = 0;
    return e;
}

/* --- LIST --- */

struct below {
    struct imap_session *session;
    struct txn *t;
    struct span prefix;
    bool any;
    struct fault *f;
};

static bool look_below(void *arg, const struct mailbox *box)
{
    struct below *b = arg;
    unsigned rights = 0;
    if (!span_eq(span_to(box->name, b->prefix.n), b->prefix))
        return false;
    b->any = acl_rights(b->t, b->session->account, box, &rights, b->f) == ERR_OK &&
             (rights & ACL_LOOKUP);
    return !b->any;
}

/* A mailbox that may be listed stands below that name of its owner. */
static enum err has_children(struct imap_session *s, struct txn *t, struct arena *a,
                             uint64_t account, struct span name, bool *out, struct fault *f)
{
    struct below b = {.session = s, .t = t, .f = f};
    b.prefix = arena_printf(a, "%.*s/", SPAN_ARG(name));
    enum err e = mailbox_each(t, a, account, b.prefix, look_below, &b, f);
    *out = b.any;
    return e;
}

/* "* LIST (...)": w NULL: there is no such mailbox, or none that may be listed. old.n: OLDNAME. */
static enum err list(struct imap_notify *n, struct txn *t, struct arena *a, struct span name,
                     const struct sight *w, bool no_access, struct span old, struct fault *f)
{
    struct imap_session *s = n->session;
    struct span own_name;
    uint64_t account;
    bool children = false, subscribed;
    const char *use;
    uint32_t bit;
    enum err e = imap_reach_owner(s, t, name, &account, &own_name, f);
    if (e == ERR_OK)
        e = has_children(s, t, a, account, own_name, &children, f);
    if (e == ERR_OK || e == ERR_NOTFOUND)
        e = mailbox_subscribed(t, s->account, name, &subscribed, f);
    if (e != ERR_OK)
        return e;
    imap_outf(s, "* LIST (%s%s", no_access ? "\\NoAccess " : "", w ? "" : "\\NonExistent ");
    if (subscribed)
        imap_out(s, SPAN("\\Subscribed "));
    imap_outf(s, "%s", children ? "\\HasChildren" : "\\HasNoChildren");
    for (unsigned i = 0; w && (use = imap_use_name(i, &bit)) != NULL; i++) {
        if (w->box.uses & bit)
            imap_outf(s, " %s", use);
    }
    imap_out(s, SPAN(") \"/\" "));
    imap_out_mailbox(s, name);
    if (old.n) {
        imap_out(s, SPAN(" (\"OLDNAME\" ("));
        imap_out_mailbox(s, old);
        imap_out(s, SPAN("))"));
    }
    imap_out(s, SPAN("\r\n"));
    return ERR_OK;
}

/* The level above a mailbox that was made or deleted is affected, too: RFC 5465 §5.4 */
static enum err parent(struct imap_notify *n, struct txn *t, struct arena *a, struct span name,
                       struct fault *f)
{
    struct sight w;
    struct span above = mailbox_above(name);
    const struct imap_notify_entry *before = n->at > 0 ? &n->entries[n->at - 1] : NULL;
    if (above.n == 0)
        return ERR_OK;
    enum err e = imap_reach(n->session, t, a, above, ACL_LOOKUP, &w.box, f);
    if (e == ERR_OK && before && before->kind == CHANGE_BOX_NEW && before->mailbox == w.box.id)
        return ERR_OK; /* made together, and just told */
    if (e == ERR_OK)
        e = complete(n, t, &w, f);
    if (e == ERR_OK)
        return w.events & NOTIFY_NAME ? list(n, t, a, above, &w, false, SPAN(""), f) : ERR_OK;
    if (e != ERR_NOTFOUND || imap_reach_is_foreign(name) ||
        !(imap_notify_tell_events(n, above, true, false) & NOTIFY_NAME))
        return e;
    return list(n, t, a, above, NULL, false, SPAN(""), f);
}

static enum err tell_new(struct imap_notify *n, struct txn *t, struct arena *a,
                         const struct imap_notify_entry *x, struct fault *f)
{
    struct sight w;
    enum err e = find(n, t, a, x->mailbox, &w, f);
    bool listed = e == ERR_OK && (w.rights & ACL_LOOKUP);
    if (e == ERR_OK && !w.own)
        (void)imap_notify_mark(&n->listed, &n->listed_n, x->mailbox, listed);
    if (e != ERR_OK || !listed || x->mine)
        return e;
    if (w.events & NOTIFY_NAME)
        e = list(n, t, a, w.box.name, &w, false, SPAN(""), f);
    return e == ERR_OK ? parent(n, t, a, w.box.name, f) : e;
}

static enum err tell_gone(struct imap_notify *n, struct txn *t, struct arena *a,
                          const struct imap_notify_entry *x, struct fault *f)
{
    struct span name;
    bool own = x->account == n->session->account, subscribed = false;
    bool listed = own || imap_notify_mark(&n->listed, &n->listed_n, x->mailbox, false);
    (void)imap_notify_mark(&n->barred, &n->barred_n, x->mailbox, false);
    if (!listed || x->mine)
        return ERR_OK;
    enum err e = imap_reach_name(n->session, t, a, x->account, x->about, &name, f);
    if (e == ERR_OK)
        e = mailbox_subscribed(t, n->session->account, name, &subscribed, f);
    if (e == ERR_OK && (imap_notify_tell_events(n, name, own, subscribed) & NOTIFY_NAME))
        e = list(n, t, a, name, NULL, false, SPAN(""), f);
    return e == ERR_OK ? parent(n, t, a, name, f) : e;
}

static enum err tell_named(struct imap_notify *n, struct txn *t, struct arena *a,
                           const struct imap_notify_entry *x, struct fault *f)
{
    struct sight w;
    struct span old;
    bool subscribed = false;
    if (x->about.n == 0) /* it went along with the one above it */
        return ERR_OK;
    enum err e = find(n, t, a, x->mailbox, &w, f);
    if (e == ERR_OK)
        e = imap_reach_name(n->session, t, a, w.box.account, x->about, &old, f);
    if (e == ERR_OK)
        e = mailbox_subscribed(t, n->session->account, old, &subscribed, f);
    if (e != ERR_OK || !(w.rights & ACL_LOOKUP))
        return e;
    unsigned events = w.events | imap_notify_tell_events(n, old, w.own, subscribed);
    return events & NOTIFY_NAME ? list(n, t, a, w.box.name, &w, false, old, f) : ERR_OK;
}

/* Where "l" goes away the client hears the same as of a mailbox that was deleted: it may not learn that it is still there. */
static enum err tell_rights(struct imap_notify *n, struct txn *t, struct arena *a,
                            const struct imap_notify_entry *x, struct fault *f)
{
    struct sight w;
    enum err e = find(n, t, a, x->mailbox, &w, f);
    if (e != ERR_OK)
        return e;
    bool listed = w.rights & ACL_LOOKUP, read = w.rights & ACL_READ;
    bool turned = !w.own && imap_notify_mark(&n->listed, &n->listed_n, x->mailbox, listed);
    if (listed && !w.own)
        imap_notify_watch_owner(n, w.box.account);
    bool bar = listed && !read && (w.events & (NOTIFY_MESSAGES | NOTIFY_METADATA));
    bool rebarred = imap_notify_mark(&n->barred, &n->barred_n, x->mailbox, bar) && listed;
    if (x->mine)
        return ERR_OK;
    if ((turned && (w.events & NOTIFY_NAME)) || rebarred)
        return list(n, t, a, w.box.name, listed ? &w : NULL, bar, SPAN(""), f);
    return ERR_OK;
}

static enum err tell_subscription(struct imap_notify *n, struct txn *t, struct arena *a,
                                  const struct imap_notify_entry *x, struct fault *f)
{
    struct sight w;
    bool own = !imap_reach_is_foreign(x->about);
    if (!(imap_notify_tell_events(n, x->about, own, true) & NOTIFY_SUBSCRIPTION))
        return ERR_OK;
    enum err e = imap_reach(n->session, t, a, x->about, ACL_LOOKUP, &w.box, f);
    if (e != ERR_OK && e != ERR_NOTFOUND)
        return e;
    return list(n, t, a, x->about, e == ERR_OK ? &w : NULL, false, SPAN(""), f);
}

/* --- STATUS --- */

static enum err status(struct imap_notify *n, struct txn *t, const struct mailbox *box,
                       const char *items, struct fault *f)
{
    struct scan in = scan_of(span_cstr(items));
    return imap_status_tell(n->session, t, box, imap_status_items(&in), f);
}

/* RFC 5465 §5.1 to §5.3 */
static const char *status_items(const struct imap_notify *n, unsigned events)
{
    bool counts = events & (NOTIFY_NEW | NOTIFY_EXPUNGE), flags = events & NOTIFY_FLAGS;
    if (n->session->enabled & IMAP_CONDSTORE)
        return counts && flags ? "(MESSAGES UIDNEXT UIDVALIDITY UNSEEN HIGHESTMODSEQ)"
               : counts        ? "(MESSAGES UIDNEXT HIGHESTMODSEQ)"
                               : "(UIDVALIDITY UNSEEN HIGHESTMODSEQ)";
    return counts && flags ? "(MESSAGES UIDNEXT UIDVALIDITY UNSEEN)"
           : counts        ? "(MESSAGES UIDNEXT)"
                           : "(UIDVALIDITY UNSEEN)";
}

static bool is_selected(const struct imap_notify *n, uint64_t mailbox)
{
    return n->session->view && n->session->view->mailbox == mailbox;
}

#define WATCHED (ACL_LOOKUP | ACL_READ) /* for all events but those of names: RFC 5465 §5 */

static enum err tell_messages(struct imap_notify *n, struct txn *t, struct arena *a,
                              const struct imap_notify_entry *x, struct fault *f)
{
    struct sight w;
    if (is_selected(n, x->mailbox))
        return ERR_OK; /* the view's news */
    enum err e = find(n, t, a, x->mailbox, &w, f);
    if (e != ERR_OK || (w.rights & WATCHED) != WATCHED || !(w.events & x->messages))
        return e;
    unsigned events = x->messages & w.events;
    if (w.events & NOTIFY_FLAGS) /* what comes or goes may be unseen */
        events |= NOTIFY_FLAGS;
    return status(n, t, &w.box, status_items(n, events), f);
}

enum err imap_notify_tell_first(struct imap_notify *n, struct txn *t, const struct mailbox *box,
                                bool subscribed, struct fault *f)
{
    struct sight w = {.box = *box, .own = box->account == n->session->account};
    unsigned events = imap_notify_tell_events(n, box->name, w.own, subscribed);
    enum err e = acl_rights(t, n->session->account, box, &w.rights, f);
    if (e != ERR_OK || !(w.rights & ACL_LOOKUP) || !(events & (NOTIFY_MESSAGES | NOTIFY_METADATA)))
        return e;
    if (!(w.rights & ACL_READ)) {
        struct arena *a = arena_new();
        (void)imap_notify_mark(&n->barred, &n->barred_n, box->id, true);
        e = list(n, t, a, box->name, &w, true, SPAN(""), f);
        arena_free(&a);
        return e;
    }
    if (!n->groups.status || !(events & NOTIFY_MESSAGES) || is_selected(n, box->id))
        return ERR_OK;
    return status(n, t, box,
                  events & NOTIFY_FLAGS ? "(MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)"
                                        : "(MESSAGES UIDNEXT UIDVALIDITY)",
                  f);
}

/* --- METADATA --- */

/* entry = astring */
static void entry_name(struct imap_session *s, struct span name)
{
    bool plain = true;
    for (size_t i = 0; i < name.n; i++)
        plain &= imap_parse_is_astring_char((unsigned char)name.p[i]);
    if (plain)
        imap_out(s, name);
    else
        imap_out_string(s, name);
}

/* The name of the entry without its value, RFC 5464 §4.4.2; private ones only where they are the user's own. */
static enum err tell_metadata(struct imap_notify *n, struct txn *t, struct arena *a,
                              const struct imap_notify_entry *x, struct fault *f)
{
    struct imap_session *s = n->session;
    struct sight w = {.box.name = SPAN("")};
    enum err e = x->mailbox ? find(n, t, a, x->mailbox, &w, f) : ERR_OK;
    bool may = x->mailbox ? (w.events & NOTIFY_METADATA) && (w.rights & WATCHED) == WATCHED
                          : n->wanted & NOTIFY_SERVER || s->enabled & IMAP_METADATA_SERVER;
    if (x->by != s->account && span_starts_ci(x->about, SPAN("/private/")))
        may = false;
    if (e != ERR_OK || !may || x->about.n == 0)
        return e;
    imap_out(s, SPAN("* METADATA "));
    imap_out_mailbox(s, w.box.name);
    imap_out(s, SPAN(" "));
    entry_name(s, x->about);
    imap_out(s, SPAN("\r\n"));
    return ERR_OK;
}

enum err imap_notify_tell(struct imap_notify *n, struct txn *t, struct arena *a,
                          const struct imap_notify_entry *x, struct fault *f)
{
    enum err e = ERR_OK;
    switch (x->kind) {
    case CHANGE_ADDED:
    case CHANGE_FLAGS:
    case CHANGE_REMOVED:
        e = tell_messages(n, t, a, x, f);
        break;
    case CHANGE_BOX_NEW:
        e = tell_new(n, t, a, x, f);
        break;
    case CHANGE_BOX_GONE:
        e = tell_gone(n, t, a, x, f);
        break;
    case CHANGE_BOX_NAMED:
        e = tell_named(n, t, a, x, f);
        break;
    case CHANGE_BOX_RIGHTS:
        e = tell_rights(n, t, a, x, f);
        break;
    case CHANGE_BOX_METADATA:
        e = tell_metadata(n, t, a, x, f);
        break;
    case CHANGE_SUBSCRIPTION:
        e = tell_subscription(n, t, a, x, f);
        break;
    }
    return e == ERR_NOTFOUND ? ERR_OK : e; /* it has gone since: another entry says so */
}
