#include "imapd/imap_view.h"

#include "common/log.h"
#include "common/mem.h"
#include "imapd/imap_rows.h"
#include "imapd/imap_session.h"
#include "imapd/imapd_home.h"
#include "store/flags.h"
#include "store/msg.h"

#include <inttypes.h>
#include <stdlib.h>

#define IMAP_VIEW_FEW_COUNT 64            /* messages told before the turn is looked at */
#define IMAP_VIEW_LINES_BYTES (64u << 10) /* of EXPUNGE lines that go out together */

/* Runs when a change is on disk, on our loop: takes note and returns. */
static void imap_view_note(struct changes_watch *w, const struct change *c)
{
    struct imap_view *v = list_entry(w, struct imap_view, watch);
    v->stale = true;
    if (c->kind == CHANGE_BOX_GONE)
        v->gone = true;
    imap_session_stir(v->session);
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
    v->read_only = read_only;
    v->modseq = box->highestmodseq;
    v->recent_from = cached->recent_from;
    v->session = s;
    v->watch =
        (struct changes_watch){.account = box->account, .mailbox = box->id, .note = imap_view_note};
    list_init(&v->watch.node);
    uidset_copy(&v->uids, &cached->uids);
    v->told_exists = uidset_count(&v->uids);
    e = imap_view_keywords(v, t, f);
    if (e != ERR_OK) {
        imap_view_close(&v);
        return e;
    }
    v->told_keywords = v->keyword_count;
    changes_watch(s->options->store, &v->watch);
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

static void imap_view_changed(void *arg, const struct change *c, const struct uidset *uids)
{
    struct imap_view *v = arg;
    if (c->modseq > v->modseq)
        v->modseq = c->modseq;
    if (c->kind == CHANGE_BOX_GONE)
        v->gone = true;
    if (!uids)
        return;
    if (c->kind == CHANGE_ADDED) {
        uidset_add_set(&v->added, uids);
    } else if (c->kind == CHANGE_FLAGS) {
        /* Of its own changes the client was told, or wanted not to be: RFC 9051 §6.4.6 */
        if (memcmp(&c->by.session, &v->session->id, sizeof c->by.session) != 0)
            uidset_add_set(&v->flagged, uids);
    } else if (c->kind == CHANGE_REMOVED) {
        uidset_add_set(&v->removed, uids);
        uidset_remove_set(&v->added, uids); /* those nobody told the client about */
        uidset_intersect(&v->removed, &v->uids);
    }
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
        uidset_copy(&v->added, &now);
        uidset_remove_set(&v->added, &v->uids);
        uidset_copy(&v->removed, &v->uids);
        uidset_remove_set(&v->removed, &now);
        v->modseq = box.highestmodseq;
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
        e = changes_since(t, v->watch.account, v->mailbox, v->modseq, imap_view_changed, v, f);
    if (e == ERR_LIMIT)
        e = imap_view_compare(v, t, f);
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
static void imap_view_tell_removed(struct imap_view *v)
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

void imap_view_tell_keywords(struct imap_view *v)
{
    struct imap_session *s = v->session;
    for (int permanent = 0; permanent < 2; permanent++) {
        imap_out(s, permanent ? SPAN("* OK [PERMANENTFLAGS (") : SPAN("* FLAGS ("));
        if (!permanent || !v->read_only)
            imap_out(s, SPAN("\\Answered \\Flagged \\Deleted \\Seen \\Draft"));
        for (size_t i = 0; i < v->keyword_count && !(permanent && v->read_only); i++)
            imap_outf(s, " %.*s", SPAN_ARG(v->keywords[i]));
        if (permanent)
            imap_out(s, v->read_only ? SPAN(")] No flag can be changed\r\n")
                                     : SPAN(" \\*)] Flags and keywords are kept\r\n"));
        else
            imap_out(s, SPAN(")\r\n"));
    }
    v->told_keywords = v->keyword_count;
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

static enum err imap_view_tell_flags(struct imap_view *v, struct txn *t, const struct msg *m,
                                     bool with_uid, struct fault *f)
{
    struct imap_session *s = v->session;
    enum err e = imap_view_keywords_of(v, t, m->keywords, f);
    if (e != ERR_OK)
        return e;
    imap_outf(s, "* %" PRIu32 " FETCH (", uidset_rank(&v->uids, m->uid));
    if (with_uid)
        imap_outf(s, "UID %" PRIu32 " ", m->uid);
    imap_out(s, SPAN("FLAGS "));
    imap_out_flags(s, m->flags, m->keywords, v->keywords, v->keyword_count,
                   imap_view_recent(v, m->uid));
    if (s->enabled & IMAP_CONDSTORE)
        imap_outf(s, " MODSEQ (%" PRIu64 ")", m->modseq);
    imap_out(s, SPAN(")\r\n"));
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
    with_uid |= (s->enabled & (IMAP_REV2 | IMAP_CONDSTORE)) != 0;
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
    return e != ERR_OK || uidset_empty(&v->flagged);
}

bool imap_view_news_more(struct imap_view *v, bool with_uid)
{
    struct fault f = FAULT_NONE;
    return imap_view_news_end(v, imap_view_tell_flagged(v, with_uid, &f), &f);
}

bool imap_view_news(struct imap_view *v, bool may_expunge, bool with_uid)
{
    struct imap_session *s = v->session;
    struct fault f = FAULT_NONE;
    enum err e = imap_view_refresh(v, &f);
    if (v->gone) {
        imap_reply_bye(s, "[NONEXISTENT] The selected mailbox was deleted"); /* RFC 2180 §3.3 */
        return true;
    }
    if (e == ERR_OK && may_expunge && !uidset_empty(&v->removed))
        imap_view_tell_removed(v);
    if (e == ERR_OK && !uidset_empty(&v->added)) {
        imap_view_tell_added(v);
        e = imap_view_tell_new_keywords(v, &f);
    }
    if (e == ERR_OK && !uidset_empty(&v->flagged))
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
