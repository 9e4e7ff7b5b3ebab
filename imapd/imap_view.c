#include "imapd/imap_view.h"

#include "common/log.h"
#include "common/mem.h"
#include "imapd/imap_context.h"
#include "imapd/imap_notify.h"
#include "imapd/imap_rows.h"
#include "imapd/imap_session.h"
#include "imapd/imap_vanished.h"
#include "imapd/imapd_home.h"
#include "store/flags.h"
#include "store/msg.h"

#include <inttypes.h>
#include <stdlib.h>

#define IMAP_VIEW_READ_COUNT 64           /* changes that are joined in one go */
#define IMAP_VIEW_FEW_COUNT 64            /* messages told before the turn is looked at */
#define IMAP_VIEW_LINES_BYTES (64u << 10) /* of EXPUNGE lines that go out together */
#define IMAP_VIEW_LINE_BYTES (2u << 20)   /* more than all keywords of a mailbox */

/* Runs when a change is on disk, on our loop: takes note and returns. */
static void imap_view_note(struct changes_watch *w, const struct change *c)
{
    struct imap_view *v = list_entry(w, struct imap_view, watch);
    v->stale = true;
    if (c->kind == CHANGE_BOX_GONE)
        v->gone = true;
    imap_session_stir(v->session);
}

#define IMAP_VIEW_WRITES (ACL_INSERT | ACL_SEEN | ACL_WRITE | ACL_DELETE | ACL_EXPUNGE)

/* What the user may do with it now. */
static enum err imap_view_rights(struct imap_view *v, struct txn *t, const struct mailbox *box,
                                 struct fault *f)
{
    unsigned before = v->rights;
    enum err e = acl_rights(t, v->session->account, box, &v->rights, f);
    v->read_only = v->examined || !(v->rights & IMAP_VIEW_WRITES);
    v->rights_stale = false;
    v->rights_changed = v->rights != before;
    return e;
}

/* Who may no longer read it finds it gone. */
static enum err imap_view_rights_again(struct imap_view *v, struct txn *t, struct fault *f)
{
    struct mailbox box;
    enum err e = v->rights_stale ? mailbox_get(t, NULL, v->mailbox, &box, f) : ERR_OK;
    if (e == ERR_OK && v->rights_stale) {
        e = imap_view_rights(v, t, &box, f);
        v->gone |= e == ERR_OK && !(v->rights & ACL_READ);
    }
    return e == ERR_NOTFOUND ? ERR_OK : e;
}

/* The snapshot t and the watch begin in one turn of the loop, and the loop is where changes are
 * announced: none falls between them. */
enum err imap_view_open(struct imap_session *s, struct txn *t, const struct mailbox *box,
                        bool read_only, struct imap_view **out, struct fault *f)
{
    struct imap_cache_box *cached;
    enum err e = imap_cache_look(&s->home->cache, t, box, &cached, f);
    if (e != ERR_OK)
        return e;
    imap_cache_keep(cached, s->options->store, loop_post(s->loop));
    struct imap_view *v = mem_new(struct imap_view);
    v->mailbox = box->id;
    v->uidvalidity = box->uidvalidity;
    v->examined = read_only;
    v->modseq = v->looked = v->told_modseq = box->highestmodseq;
    v->recent_from = cached->recent_from;
    v->session = s;
    v->watch = (struct changes_watch){
        .account = box->account, .mailbox = box->id, .by = s->account, .note = imap_view_note};
    list_init(&v->watch.node);
    uidset_copy(&v->uids, &cached->uids);
    v->told_exists = uidset_count(&v->uids);
    e = imap_view_rights(v, t, box, f);
    if (e == ERR_OK)
        e = imap_view_keywords(v, t, f);
    if (e != ERR_OK) {
        imap_view_close(&v);
        return e;
    }
    v->told_keywords = v->keyword_count;
    changes_watch(s->options->store, &v->watch);
    v->stale = box->account != s->account; /* announced at another loop: look again */
    *out = v;
    return ERR_OK;
}

/* --- \Recent --- */

struct imap_view_recent {
    struct store_op op;
    uint64_t mailbox;
    uint32_t uidnext;
};

static enum err imap_view_recent_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    struct imap_view_recent *r = list_entry(op, struct imap_view_recent, op);
    return mailbox_recent_seen(t, r->mailbox, r->uidnext, f);
}

static void imap_view_recent_done(struct store_op *op, enum err e, const struct fault *f)
{
    (void)e; /* if it failed they are \Recent once more: RFC 3501 §2.3.2 allows that */
    (void)f;
    mem_free(list_entry(op, struct imap_view_recent, op));
}

void imap_view_recent_told(struct imap_view *v)
{
    uint32_t last = uidset_last(&v->uids);
    if (v->read_only || v->gone || last < v->recent_from || last < v->recent_noted)
        return;
    imap_cache_recent_told(&v->session->home->cache, v->mailbox, last + 1);
    struct imap_view_recent *r = mem_new(struct imap_view_recent);
    r->mailbox = v->mailbox;
    r->uidnext = last + 1;
    r->op.apply = imap_view_recent_apply;
    r->op.done = imap_view_recent_done;
    r->op.home = loop_post(v->session->loop);
    r->op.actor = v->session->actor;
    v->recent_noted = last + 1;
    committer_submit(v->session->options->store, &r->op);
}

bool imap_view_recent(const struct imap_view *v, uint32_t uid)
{
    return uid >= v->recent_from && !(v->session->enabled & IMAP_REV2);
}

uint32_t imap_view_recent_count(struct imap_view *v)
{
    uint32_t below = v->recent_from > 1 ? uidset_rank(&v->uids, v->recent_from - 1) : 0;
    return uidset_count(&v->uids) - below;
}

void imap_view_close(struct imap_view **view)
{
    struct imap_view *v = *view;
    if (!v)
        return;
    imap_view_recent_told(v);
    imap_context_end(&v->contexts);
    changes_unwatch(&v->watch);
    uidset_fini(&v->uids);
    uidset_fini(&v->added);
    uidset_fini(&v->removed);
    uidset_fini(&v->flagged);
    uidset_fini(&v->saved);
    arena_free(&v->arena);
    mem_free(v);
    *view = NULL;
}

/* --- what changed --- */

/* What a helping of the log says. Small sets joined to the large ones in one go: many changes here and there stay cheap.
 * The order does not matter, a UID never comes back. */
struct imap_view_helping {
    struct imap_view *view;
    struct uidset added, removed, flagged;
};

static void imap_view_changed(void *arg, const struct change *c, const struct uidset *uids)
{
    struct imap_view_helping *n = arg;
    struct imap_view *v = n->view;
    if (c->kind == CHANGE_BOX_RIGHTS) {
        v->rights_stale = true;
        return;
    }
    if (c->kind == CHANGE_BOX_METADATA) /* not seen in its HIGHESTMODSEQ either */
        return;
    if (c->modseq > v->modseq)
        v->modseq = c->modseq;
    if (c->kind == CHANGE_BOX_GONE)
        v->gone = true;
    if (!uids)
        return;
    if (c->kind != CHANGE_REMOVED)
        imap_context_changed(v->contexts, uids);
    bool own = memcmp(&c->by.session, &v->session->id, sizeof c->by.session) == 0;
    v->own_change |= own && c->kind != CHANGE_FLAGS;
    if (c->kind == CHANGE_ADDED) {
        uidset_add_set(&n->added, uids);
        if (own)
            imap_notify_mine(v->session, uids);
    } else if (c->kind == CHANGE_FLAGS) {
        /* Of its own changes the client was told, or wanted not to be: RFC 9051 §6.4.6 */
        if (!own)
            uidset_add_set(&n->flagged, uids);
    } else if (c->kind == CHANGE_REMOVED) {
        uidset_add_set(&n->removed, uids);
    }
}

static enum err imap_view_read(struct imap_view *v, struct txn *t, struct fault *f)
{
    struct imap_view_helping n = {.view = v};
    bool done = false;
    enum err e = ERR_OK;
    while (e == ERR_OK && !done) {
        e = changes_since_some(t, v->watch.account, v->mailbox, &v->looked, IMAP_VIEW_READ_COUNT,
                               &done, imap_view_changed, &n, f);
        uidset_add_set(&v->added, &n.added);
        uidset_add_set(&v->flagged, &n.flagged);
        uidset_add_set(&v->removed, &n.removed);
        uidset_remove_set(&v->added, &n.removed); /* those nobody told the client about */
        uidset_clear(&n.added);
        uidset_clear(&n.flagged);
        uidset_clear(&n.removed);
    }
    uidset_intersect(&v->removed, &v->uids);
    uidset_fini(&n.added);
    uidset_fini(&n.flagged);
    uidset_fini(&n.removed);
    return e;
}

/* The change log does not reach back to what we know: look at every row. */
static enum err imap_view_compare(struct imap_view *v, struct txn *t, struct fault *f)
{
    struct mailbox box;
    enum err e = mailbox_get(t, NULL, v->mailbox, &box, f);
    if (e == ERR_NOTFOUND) {
        v->gone = true;
        return ERR_OK;
    }
    if (e != ERR_OK)
        return e;
    struct msg_walk w;
    struct msg m;
    struct uidset now = {0};
    msg_walk(&w, t, v->mailbox, 1, false);
    while (msg_walk_next(&w, &m)) {
        uidset_add(&now, m.uid, m.uid);
        if (m.modseq > v->modseq)
            uidset_add(&v->flagged, m.uid, m.uid);
    }
    e = msg_walk_end(&w, f);
    if (e == ERR_OK) {
        imap_context_changed(v->contexts, &now);
        uidset_copy(&v->added, &now);
        uidset_remove_set(&v->added, &v->uids);
        uidset_copy(&v->removed, &v->uids);
        uidset_remove_set(&v->removed, &now);
        v->modseq = v->looked = box.highestmodseq;
    }
    uidset_fini(&now);
    return e;
}

enum err imap_view_refresh(struct imap_view *v, struct fault *f)
{
    struct txn *t = NULL;
    if (!v->stale)
        return ERR_OK;
    enum err e = txn_read(v->session->options->store, &t, f);
    if (e == ERR_OK)
        e = imap_view_read(v, t, f);
    if (e == ERR_LIMIT)
        e = imap_view_compare(v, t, f);
    if (e == ERR_OK)
        e = imap_view_rights_again(v, t, f);
    txn_read_end(&t);
    if (e == ERR_OK) {
        uidset_intersect(&v->flagged, &v->uids); /* of new ones the client asks the flags itself */
        v->stale = false;
    }
    return e;
}

enum err imap_view_keywords(struct imap_view *v, struct txn *t, struct fault *f)
{
    struct span *names;
    if (!v->arena)
        v->arena = arena_new();
    arena_reset(v->arena);
    v->keywords = NULL;
    v->keyword_count = 0;
    enum err e = flags_keywords(t, v->arena, v->mailbox, &names, &v->keyword_count, f);
    if (e == ERR_OK)
        v->keywords = names;
    else
        v->keyword_count = 0;
    if (v->keyword_count == 0)
        arena_free(&v->arena);
    return e;
}

/* --- telling --- */

/* From the end, so that each number still means what it meant before. */
static void imap_view_tell_expunged(struct imap_view *v)
{
    struct buf lines;
    buf_init(&lines, IMAP_VIEW_LINES_BYTES);
    for (size_t i = v->removed.n; i > 0; i--) {
        const struct uidset_range *r = &v->removed.ranges[i - 1];
        uint32_t number = uidset_rank(&v->uids, r->last);
        for (uint32_t n = r->last - r->first + 1; n > 0; n--) {
            buf_addz(&lines, "* ");
            buf_u64(&lines, number--);
            buf_addz(&lines, " EXPUNGE\r\n");
            if (lines.n > IMAP_VIEW_LINES_BYTES / 2) {
                imap_out(v->session, buf_span(&lines));
                buf_reset(&lines);
            }
        }
    }
    imap_out(v->session, buf_span(&lines));
    buf_fini(&lines);
}

static void imap_view_tell_removed(struct imap_view *v)
{
    size_t at = 0;
    if (!imap_vanished_wanted(v->session))
        imap_view_tell_expunged(v);
    else
        while (!imap_vanished_tell(v->session, &v->removed, false, &at))
            ;
    uidset_remove_set(&v->uids, &v->removed);
    uidset_clear(&v->removed);
    v->told_exists = uidset_count(&v->uids);
}

static void imap_view_tell_added(struct imap_view *v)
{
    struct imap_session *s = v->session;
    uidset_add_set(&v->uids, &v->added);
    uidset_clear(&v->added);
    v->told_exists = uidset_count(&v->uids);
    imap_outf(s, "* %" PRIu32 " EXISTS\r\n", v->told_exists);
    if (!(s->enabled & IMAP_REV2))
        imap_outf(s, "* %" PRIu32 " RECENT\r\n", imap_view_recent_count(v));
    if (!v->read_only)
        imap_cache_recent_told(&s->home->cache, v->mailbox, uidset_last(&v->uids) + 1);
}

/* The flags that these rights let a user change, RFC 4314 §4; every keyword with "w". */
static void imap_view_tell_changeable(const struct imap_view *v, unsigned rights)
{
    static const struct {
        const char *name;
        unsigned right;
    } flags[] = {{"\\Answered", ACL_WRITE},
                 {"\\Flagged", ACL_WRITE},
                 {"\\Deleted", ACL_DELETE},
                 {"\\Seen", ACL_SEEN},
                 {"\\Draft", ACL_WRITE}};
    const char *between = "";
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        if (!(rights & flags[i].right))
            continue;
        imap_outf(v->session, "%s%s", between, flags[i].name);
        between = " ";
    }
    for (size_t i = 0; i < v->keyword_count && (rights & ACL_WRITE); i++)
        imap_outf(v->session, " %.*s", SPAN_ARG(v->keywords[i]));
}

void imap_view_tell_keywords(struct imap_view *v)
{
    struct imap_session *s = v->session;
    unsigned rights = v->read_only ? 0 : v->rights & (ACL_SEEN | ACL_WRITE | ACL_DELETE);
    imap_out(s, SPAN("* FLAGS ("));
    imap_view_tell_changeable(v, ACL_ALL);
    imap_out(s, SPAN(")\r\n* OK [PERMANENTFLAGS ("));
    imap_view_tell_changeable(v, rights);
    imap_out(s, rights & ACL_WRITE ? SPAN(" \\*)] Flags and keywords are kept\r\n")
                : rights           ? SPAN(")] Only these flags can be changed\r\n")
                                   : SPAN(")] No flag can be changed\r\n"));
    v->told_keywords = v->keyword_count;
    v->rights_changed = false;
}

static bool imap_view_is_new_bit(const struct imap_view *v, struct span bitmap)
{
    for (size_t i = v->keyword_count; i < bitmap.n * 8; i++) {
        if (flags_bit(bitmap, i))
            return true;
    }
    return false;
}

enum err imap_view_keywords_of(struct imap_view *v, struct txn *t, struct span bitmap,
                               struct fault *f)
{
    enum err e = imap_view_is_new_bit(v, bitmap) ? imap_view_keywords(v, t, f) : ERR_OK;
    if (e == ERR_OK && v->keyword_count != v->told_keywords)
        imap_view_tell_keywords(v);
    return e;
}

void imap_view_line(struct imap_view *v, uint32_t uid, struct buf *out)
{
    bool by_uid = (v->session->enabled & IMAP_UIDONLY) != 0;
    buf_addz(out, "* ");
    buf_u64(out, by_uid ? uid : uidset_rank(&v->uids, uid));
    buf_addz(out, by_uid ? " UIDFETCH (" : " FETCH (");
}

void imap_view_modseq_sent(struct imap_view *v, uint64_t modseq)
{
    if (modseq > v->sent_modseq)
        v->sent_modseq = modseq;
    if (modseq > v->modseq)
        v->stale = true;
}

void imap_view_settle(struct imap_view *v)
{
    struct imap_session *s = v->session;
    if (uidset_empty(&v->removed) && uidset_empty(&v->added) && uidset_empty(&v->flagged))
        v->told_modseq = v->modseq;
    bool ahead = v->sent_modseq > v->told_modseq;
    v->sent_modseq = 0;
    if (!(s->enabled & IMAP_CONDSTORE) || (!ahead && !v->behind))
        return;
    v->behind = ahead || v->told_modseq < v->modseq;
    imap_outf(s, "* OK [HIGHESTMODSEQ %" PRIu64 "] %s\r\n", v->told_modseq,
              v->behind ? "Other changes are still to be told" : "All changes are told");
}

enum err imap_view_tell_flags(struct imap_view *v, struct txn *t, const struct msg *m,
                              bool with_uid, struct fault *f)
{
    struct imap_session *s = v->session;
    enum err e = imap_view_keywords_of(v, t, m->keywords, f);
    if (e != ERR_OK)
        return e;
    struct buf line;
    buf_init(&line, IMAP_VIEW_LINE_BYTES);
    imap_view_line(v, m->uid, &line);
    if (with_uid && !(s->enabled & IMAP_UIDONLY))
        buf_addf(&line, "UID %" PRIu32 " ", m->uid);
    buf_addz(&line, "FLAGS ");
    imap_out_flags_text(&line, m->flags, m->keywords, v->keywords, v->keyword_count,
                        imap_view_recent(v, m->uid));
    if (s->enabled & IMAP_CONDSTORE) {
        buf_addf(&line, " MODSEQ (%" PRIu64 ")", m->modseq);
        imap_view_modseq_sent(v, m->modseq);
    }
    buf_addz(&line, ")\r\n");
    imap_out(s, buf_span(&line));
    buf_fini(&line);
    return ERR_OK;
}

/* New messages may have brought new keywords. */
static enum err imap_view_tell_new_keywords(struct imap_view *v, struct fault *f)
{
    struct txn *t = NULL;
    enum err e = txn_read(v->session->options->store, &t, f);
    if (e == ERR_OK)
        e = imap_view_keywords(v, t, f);
    txn_read_end(&t);
    if (e == ERR_OK && v->keyword_count != v->told_keywords)
        imap_view_tell_keywords(v);
    return e;
}

/* As many as this turn and the output have room for, and a few in any case. Those that were
 * expunged since are told when that may be. */
static enum err imap_view_tell_flagged(struct imap_view *v, bool with_uid, struct fault *f)
{
    struct imap_session *s = v->session;
    struct txn *t = NULL;
    struct imap_rows rows;
    struct msg m;
    enum err e = txn_read(s->options->store, &t, f);
    if (e != ERR_OK)
        return e;
    with_uid |= (s->enabled & (IMAP_REV2 | IMAP_CONDSTORE)) != 0 || imap_notify_used(s);
    imap_rows_init(&rows, v->mailbox, &v->flagged);
    imap_rows_begin(&rows, t);
    for (unsigned n = 1; e == ERR_OK && imap_rows_next(&rows, &m); n++) {
        e = imap_view_tell_flags(v, t, &m, with_uid, f);
        if (n % IMAP_VIEW_FEW_COUNT == 0 && imap_cmd_should_yield(&s->cmd))
            break;
    }
    e = imap_rows_end(&rows, e, f);
    txn_read_end(&t);
    if (e != ERR_OK || rows.next == 0)
        uidset_clear(&v->flagged);
    else if (rows.next > 1)
        uidset_remove(&v->flagged, 1, rows.next - 1);
    return e;
}

static bool imap_view_news_end(struct imap_view *v, enum err e, const struct fault *f)
{
    if (e != ERR_OK)
        log_event(LOG_ERROR, v->session->id.text, "imap.news",
                  "mailbox=%" PRIu64 " error=%s text=\"%s\"", v->mailbox, fault_name(e),
                  LOG_SPAN(span_cstr(f->text)));
    bool told = uidset_empty(&v->flagged) || !imap_notify_flags(v->session);
    return e != ERR_OK || (told && imap_context_more(v));
}

bool imap_view_news_more(struct imap_view *v, bool with_uid)
{
    struct fault f = FAULT_NONE;
    if (imap_context_mid(v->contexts) && !imap_context_more(v))
        return false;
    enum err e = imap_notify_flags(v->session) ? imap_view_tell_flagged(v, with_uid, &f) : ERR_OK;
    return imap_view_news_end(v, e, &f);
}

bool imap_view_news(struct imap_view *v, bool may_expunge, bool with_uid)
{
    struct imap_session *s = v->session;
    struct fault f = FAULT_NONE;
    if (imap_context_mid(v->contexts) && !imap_context_more(v))
        return false;
    enum err e = imap_view_refresh(v, &f);
    if (v->gone) {
        imap_reply_bye(s, "[NONEXISTENT] The selected mailbox was deleted"); /* RFC 2180 §3.3 */
        return true;
    }
    if (v->rights_changed)
        imap_view_tell_keywords(v);
    /* Where NOTIFY has switched them off, numbers still follow what the client does itself. */
    bool counts = v->own_change || imap_notify_counts(s);
    imap_context_leave(v);
    if (e == ERR_OK && counts && may_expunge && !uidset_empty(&v->removed))
        imap_view_tell_removed(v);
    if (e == ERR_OK && counts && !uidset_empty(&v->added)) {
        imap_notify_arrived(s, &v->added);
        imap_view_tell_added(v);
        e = imap_view_tell_new_keywords(v, &f);
    }
    v->own_change &= !uidset_empty(&v->removed);
    if (e == ERR_OK && imap_notify_flags(s) && !uidset_empty(&v->flagged))
        e = imap_view_tell_flagged(v, with_uid, &f);
    return imap_view_news_end(v, e, &f);
}

/* --- sequence sets --- */

static int imap_view_range_order(const void *a, const void *b)
{
    const struct imap_set_range *x = a, *y = b;
    return x->first < y->first ? -1 : x->first > y->first;
}

/* One range with "*" replaced, in ascending order. False: beyond the count messages. */
static bool imap_view_range(struct imap_view *v, struct imap_set_range in, bool uid, uint32_t count,
                            struct imap_set_range *out)
{
    uint32_t star = uid ? uidset_last(&v->uids) : count;
    uint32_t a = in.first == IMAP_SET_STAR ? star : in.first;
    uint32_t b = in.last == IMAP_SET_STAR ? star : in.last;
    if (a > b) {
        uint32_t swap = a;
        a = b;
        b = swap;
    }
    if (!uid && (count == 0 || b > count))
        return false;
    out->first = uid ? a : uidset_nth(&v->uids, a);
    out->last = uid ? b : uidset_nth(&v->uids, b);
    return true;
}

bool imap_view_resolve(struct imap_view *v, const struct imap_set *set, bool uid,
                       struct uidset *out)
{
    if (set->saved) {
        uidset_copy(out, &v->saved);
        uidset_intersect(out, &v->uids);
        return true;
    }
    struct imap_set_range *ranges = mem_alloc((set->n + 1) * sizeof *ranges);
    uint32_t count = uidset_count(&v->uids);
    bool ok = true;
    uidset_clear(out);
    for (size_t i = 0; ok && i < set->n; i++)
        ok = imap_view_range(v, set->ranges[i], uid, count, &ranges[i]);
    if (ok && !uidset_empty(&v->uids)) {
        /* Sorted, so that adding is cheap however the client ordered them. */
        qsort(ranges, set->n, sizeof *ranges, imap_view_range_order);
        for (size_t i = 0; i < set->n; i++)
            uidset_add(out, ranges[i].first, ranges[i].last);
        uidset_intersect(out, &v->uids);
    }
    mem_free(ranges);
    return ok;
}
