#include "imapd/imap_notify_state.h"

#include "common/log.h"
#include "common/mem.h"
#include "imapd/imap_context.h"
#include "imapd/imap_tree.h"
#include "imapd/imap_verbs.h"

#include <inttypes.h>

/* Room: NOTIFY, RFC 5465. Watchers say what happened; it waits here, one entry for each thing but for the messages of a mailbox,
 * which need one together, until it may be told: at the end of a turn in which no command runs, or in IDLE. So the cost follows
 * the changes, and a client that does not read is told of an overflow. */

/* --- what happens --- */

static unsigned event_of(enum change_kind kind)
{
    static const unsigned events[] = {
        [CHANGE_ADDED] = NOTIFY_NEW,
        [CHANGE_FLAGS] = NOTIFY_FLAGS,
        [CHANGE_REMOVED] = NOTIFY_EXPUNGE,
        [CHANGE_BOX_NEW] = NOTIFY_NAME,
        [CHANGE_BOX_GONE] = NOTIFY_NAME,
        [CHANGE_BOX_NAMED] = NOTIFY_NAME | NOTIFY_FLAGS, /* its UIDVALIDITY changes: §5.1 */
        [CHANGE_BOX_RIGHTS] = ~0u,
        [CHANGE_BOX_METADATA] = NOTIFY_METADATA | NOTIFY_SERVER,
        [CHANGE_SUBSCRIPTION] = NOTIFY_SUBSCRIPTION,
    };
    return events[kind];
}

static unsigned wanted(const struct imap_notify *n)
{
    unsigned enabled = n->session->enabled;
    return n->wanted | (enabled & IMAP_METADATA ? NOTIFY_METADATA : 0) |
           (enabled & IMAP_METADATA_SERVER ? NOTIFY_SERVER : 0);
}

static void add(struct imap_notify *n, const struct imap_notify_entry *x)
{
    if (n->n == NOTIFY_WAITING_COUNT) {
        n->overflow = true;
        return;
    }
    if (!n->waiting) {
        n->waiting = arena_new();
        n->entries = arena_alloc(n->waiting, NOTIFY_WAITING_COUNT * sizeof *n->entries);
    }
    struct imap_notify_entry *kept = &n->entries[n->n++];
    *kept = *x;
    kept->about = arena_keep(n->waiting, x->about);
}

static void add_messages(struct imap_notify *n, const struct imap_notify_entry *x)
{
    for (size_t i = n->at; i < n->n; i++) {
        if (n->entries[i].mailbox == x->mailbox && n->entries[i].messages) {
            n->entries[i].messages |= x->messages;
            return;
        }
    }
    add(n, x);
}

static void note(struct imap_notify *n, const struct change *c)
{
    struct imap_session *s = n->session;
    struct imap_notify_entry x = {.account = c->account,
                                  .mailbox = c->mailbox,
                                  .kind = c->kind,
                                  .by = c->by.account,
                                  .about = c->about};
    unsigned event = event_of(c->kind);
    x.mine = memcmp(&c->by.session, &s->id, sizeof s->id) == 0;
    bool keeps = n->others && (c->kind == CHANGE_BOX_NEW || c->kind == CHANGE_BOX_GONE ||
                               c->kind == CHANGE_BOX_RIGHTS);
    if (x.mine && !(keeps && c->account != s->account))
        return; /* RFC 5465 §5: not of what the client did itself */
    if (!keeps && !(event & wanted(n)))
        return;
    if (event & wanted(n) & NOTIFY_MESSAGES && c->kind != CHANGE_BOX_RIGHTS) {
        struct imap_notify_entry of_messages = x;
        of_messages.messages = event & NOTIFY_MESSAGES;
        of_messages.kind = CHANGE_FLAGS;
        if (c->kind == CHANGE_BOX_NAMED)
            add(n, &x); /* the name first */
        add_messages(n, &of_messages);
    } else {
        add(n, &x);
    }
    imap_session_stir(s);
}

static void note_own(struct changes_watch *w, const struct change *c)
{
    note(list_entry(w, struct imap_notify, own), c);
}

static void note_owner(struct changes_watch *w, const struct change *c)
{
    note(list_entry(w, struct imap_notify_owner, watch)->notify, c);
}

void imap_notify_watch_owner(struct imap_notify *n, uint64_t account)
{
    list_each (node, &n->owners) {
        if (list_entry(node, struct imap_notify_owner, node)->watch.account == account)
            return;
    }
    struct imap_notify_owner *o = mem_new(struct imap_notify_owner);
    o->notify = n;
    o->watch =
        (struct changes_watch){.account = account, .by = n->session->account, .note = note_owner};
    list_init(&o->watch.node);
    list_init(&o->node);
    list_add(&n->owners, &o->node);
    changes_watch(n->session->options->store, &o->watch);
}

bool imap_notify_mark(uint64_t **list, size_t *n, uint64_t id, bool in)
{
    size_t i = 0;
    while (i < *n && (*list)[i] != id)
        i++;
    if ((i < *n) == in)
        return false;
    if (in) {
        *list = mem_grow(*list, (*n + 1) * sizeof **list);
        (*list)[(*n)++] = id;
    } else {
        (*list)[i] = (*list)[--*n];
    }
    return true;
}

/* --- begin and end --- */

static struct imap_notify *of(struct imap_session *s)
{
    if (s->notify)
        return s->notify;
    struct imap_notify *n = mem_new(struct imap_notify);
    n->session = s;
    list_init(&n->owners);
    n->own = (struct changes_watch){.account = s->account, .by = s->account, .note = note_own};
    list_init(&n->own.node);
    changes_watch(s->options->store, &n->own);
    s->notify = n;
    return n;
}

static void end_fetch(struct imap_notify *n)
{
    if (!n->fetching)
        return;
    imap_cmd_end(&n->fetcher);
    arena_free(&n->fetcher.arena);
    n->fetching = n->mid = false;
}

/* Nothing waits any more. */
static void drain(struct imap_notify *n)
{
    arena_free(&n->waiting);
    n->entries = NULL;
    n->n = n->at = 0;
}

/* No groups: as after NOTIFY NONE. */
static void reset(struct imap_notify *n)
{
    list_each (node, &n->owners) {
        struct imap_notify_owner *o = list_entry(node, struct imap_notify_owner, node);
        changes_unwatch(&o->watch);
        list_drop(&o->node);
        mem_free(o);
    }
    mem_free(n->listed);
    mem_free(n->barred);
    n->listed = n->barred = NULL;
    n->listed_n = n->barred_n = 0;
    drain(n);
    uidset_clear(&n->mine);
    uidset_clear(&n->fresh);
    end_fetch(n);
    arena_free(&n->kept);
    n->groups = (struct imap_notify_groups){0};
    n->selected = NULL;
    n->wanted = 0;
    n->others = n->overflow = false;
}

void imap_notify_end(struct imap_notify **notify)
{
    struct imap_notify *n = *notify;
    if (!n)
        return;
    reset(n);
    changes_unwatch(&n->own);
    uidset_fini(&n->mine);
    uidset_fini(&n->fresh);
    mem_free(n);
    *notify = NULL;
}

void imap_notify_deselect(struct imap_session *s)
{
    if (!s->notify)
        return;
    end_fetch(s->notify);
    uidset_clear(&s->notify->mine);
    uidset_clear(&s->notify->fresh);
}

void imap_notify_metadata(struct imap_session *s)
{
    (void)of(s);
}

/* --- what the view asks --- */

static bool wants_selected(const struct imap_session *s, unsigned event)
{
    const struct imap_notify *n = s->notify;
    return !n || !n->used || (n->selected && (n->selected->events & event));
}

bool imap_notify_counts(const struct imap_session *s)
{
    return wants_selected(s, NOTIFY_NEW);
}

bool imap_notify_flags(const struct imap_session *s)
{
    return wants_selected(s, NOTIFY_FLAGS);
}

bool imap_notify_used(const struct imap_session *s)
{
    return s->notify && s->notify->used;
}

bool imap_notify_listens(const struct imap_session *s)
{
    return imap_notify_used(s) && s->state != IMAP_BYE;
}

bool imap_notify_mid(const struct imap_session *s)
{
    return (s->notify && s->notify->mid) || (s->view && imap_context_mid(s->view->contexts));
}

void imap_notify_mine(struct imap_session *s, const struct uidset *uids)
{
    if (s->notify && s->notify->selected && s->notify->selected->fetches)
        uidset_add_set(&s->notify->mine, uids);
}

void imap_notify_arrived(struct imap_session *s, const struct uidset *uids)
{
    struct imap_notify *n = s->notify;
    if (!n || !n->selected || !n->selected->fetches)
        return;
    uidset_add_set(&n->fresh, uids);
    uidset_remove_set(&n->fresh, &n->mine);
    uidset_clear(&n->mine);
    imap_session_stir(s);
}

/* --- telling --- */

static void failed(const struct imap_notify *n, enum err e, const struct fault *f)
{
    log_event(LOG_ERROR, n->session->id.text, "imap.news",
              "mailbox=%" PRIu64 " error=%s text=\"%s\"",
              n->session->view ? n->session->view->mailbox : 0, fault_name(e),
              LOG_SPAN(span_cstr(f->text)));
}

/* RFC 5465 §5.8 */
static void overflow(struct imap_notify *n)
{
    if (n->used)
        imap_out(n->session,
                 SPAN("* OK [NOTIFICATIONOVERFLOW] Too much has happened; NOTIFY is off\r\n"));
    reset(n);
}

/* True: all that waits is told. */
static bool tell_waiting(struct imap_notify *n)
{
    struct fault f = FAULT_NONE;
    struct txn *t = NULL;
    if (n->overflow)
        overflow(n);
    if (n->at == n->n)
        return true;
    struct arena *a = arena_new();
    enum err e = txn_read(n->session->options->store, &t, &f);
    while (e == ERR_OK && n->at < n->n) {
        e = imap_notify_tell(n, t, a, &n->entries[n->at], &f);
        n->at++;
        if (imap_cmd_should_yield(&n->session->cmd))
            break;
    }
    txn_read_end(&t);
    arena_free(&a);
    if (e != ERR_OK)
        failed(n, e, &f);
    bool done = n->at == n->n || e != ERR_OK;
    if (done)
        drain(n);
    return done;
}

/* True: there is nothing to fetch any more. */
static bool fetch(struct imap_notify *n)
{
    struct imap_session *s = n->session;
    struct fault f = FAULT_NONE;
    bool done = false, was_mid = n->mid;
    enum err e = imap_fetch_news_more(&n->fetcher, &done, &n->mid, &f);
    if (e != ERR_OK) {
        failed(n, e, &f);
        if (n->mid)
            conn_drop(s->conn, "a message could not be read");
    }
    if (e != ERR_OK || done)
        end_fetch(n);
    if (was_mid && !n->mid && s->conn)
        conn_again(s->conn);
    return !n->fetching;
}

static bool fetch_fresh(struct imap_notify *n)
{
    struct imap_session *s = n->session;
    if (!n->fetching && uidset_empty(&n->fresh))
        return true;
    if (!n->fetching) {
        n->fetcher = (struct imap_cmd){.session = s, .arena = arena_new()};
        imap_fetch_news(&n->fetcher, &n->selected->fetch, &n->fresh);
        uidset_clear(&n->fresh);
        n->fetching = true;
    }
    return fetch(n) && uidset_empty(&n->fresh);
}

bool imap_notify_turn(struct imap_session *s)
{
    struct imap_notify *n = s->notify;
    bool now = n->selected && n->selected->scope.kind == IMAP_SCOPE_SELECTED;
    if (n->mid && !fetch(n))
        return false;
    if (s->view && !imap_view_news(s->view, s->idling || now, n->used))
        return false;
    if (s->closing)
        return true;
    if (s->view && !s->idling)
        imap_view_settle(s->view);
    bool told = tell_waiting(n);
    return (s->view ? fetch_fresh(n) : true) && told;
}

void imap_notify_reply(struct imap_session *s)
{
    if (s->notify && !s->notify->used)
        (void)tell_waiting(s->notify);
}

/* --- the command --- */

struct first {
    struct imap_tree_reader *reader;
    struct imap_tree tree;
    size_t at;
    bool again; /* the owners are watched: what is read now is not behind what they do */
};

static bool enough(void *arg)
{
    return imap_cmd_should_yield(arg);
}

static bool is_other(const struct imap_notify *n, const struct imap_tree_node *node)
{
    return node->exists && node->box.account != n->session->account;
}

/* True: some were not watched yet. */
static bool watch_owners(struct imap_notify *n, const struct imap_tree *tree)
{
    bool some = false;
    for (size_t i = 0; i < tree->n; i++) {
        if (!is_other(n, &tree->nodes[i]))
            continue;
        imap_notify_watch_owner(n, tree->nodes[i].box.account);
        (void)imap_notify_mark(&n->listed, &n->listed_n, tree->nodes[i].box.id, true);
        some = true;
    }
    return some;
}

static enum step tell_first(struct imap_cmd *c)
{
    struct imap_notify *n = c->session->notify;
    struct first *first = c->state;
    struct fault f = FAULT_NONE;
    struct txn *t = NULL;
    enum err e = txn_read(c->session->options->store, &t, &f);
    while (e == ERR_OK && first->at < first->tree.n) {
        const struct imap_tree_node *node = &first->tree.nodes[first->at++];
        if (node->exists)
            e = imap_notify_tell_first(n, t, &node->box, node->subscribed, &f);
        if (imap_cmd_should_yield(c))
            break;
    }
    txn_read_end(&t);
    if (e != ERR_OK)
        return imap_reply_err(c, e, &f);
    if (first->at < first->tree.n)
        return STEP_MORE;
    return imap_reply_ok(c, NULL, "NOTIFY completed");
}

static enum step read_tree(struct imap_cmd *c)
{
    struct imap_notify *n = c->session->notify;
    struct first *first = c->state;
    struct fault f = FAULT_NONE;
    struct txn *t = NULL;
    bool done = false;
    enum err e = txn_read(c->session->options->store, &t, &f);
    if (e == ERR_OK)
        e = imap_tree_more(first->reader, t, enough, c, &done, &first->tree, &f);
    txn_read_end(&t);
    if (e != ERR_OK)
        return imap_reply_err(c, e, &f);
    if (!done)
        return STEP_MORE;
    if (watch_owners(n, &first->tree) && !first->again) {
        first->again = true;
        first->reader = imap_tree_begin(c->arena, c->session->account, n->others);
        return STEP_MORE;
    }
    c->more = tell_first;
    return tell_first(c);
}

static void replace(struct imap_notify *n, struct arena *kept,
                    const struct imap_notify_groups *groups)
{
    reset(n);
    n->used = true;
    n->kept = kept;
    n->groups = *groups;
    for (size_t i = 0; i < groups->n; i++) {
        const struct imap_notify_group *g = &groups->list[i];
        enum imap_scope_kind kind = g->scope.kind;
        if (kind == IMAP_SCOPE_SELECTED || kind == IMAP_SCOPE_SELECTED_DELAYED)
            n->selected = g;
        else
            n->wanted |= g->events;
        n->others |= kind == IMAP_SCOPE_SUBSCRIBED || kind == IMAP_SCOPE_SUBTREE ||
                     kind == IMAP_SCOPE_MAILBOXES;
    }
}

static void first_cleanup(struct imap_cmd *c)
{
    struct first *first = c->state;
    imap_tree_end(first->reader);
}

static enum step set(struct imap_cmd *c)
{
    struct imap_session *s = c->session;
    struct first *first = arena_new_of(c->arena, struct first);
    if (!s->notify->wanted)
        return imap_reply_ok(c, NULL, "NOTIFY completed");
    first->reader = imap_tree_begin(c->arena, s->account, s->notify->others);
    c->state = first;
    c->cleanup = first_cleanup;
    c->more = read_tree;
    return read_tree(c);
}

enum step imap_notify(struct imap_cmd *c)
{
    struct imap_session *s = c->session;
    struct imap_notify_groups groups;
    struct arena *kept = arena_new();
    struct scan in = scan_of(arena_keep(kept, c->args.in));
    imap_notify_parse(&in, kept, imap_session_utf8(s), &groups);
    if (!scan_ok(&in) || groups.bad_event)
        arena_free(&kept);
    if (!scan_ok(&in))
        return imap_reply_bad(c, in.why);
    if (groups.bad_event)
        return imap_reply_no(c, "BADEVENT (" NOTIFY_ALL_EVENTS ")", "There is no such event here");
    /* an implicit NOOP, RFC 5465 §3.1, as it was before */
    if (s->view && !groups.none && !imap_view_news(s->view, true, true)) {
        arena_free(&kept);
        c->more = imap_notify; /* once more, when all of it is told */
        return STEP_MORE;
    }
    replace(of(s), kept, &groups);
    return set(c);
}
