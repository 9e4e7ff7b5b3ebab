#include "imapd/imap_qresync.h"

#include "common/must.h"
#include "imapd/imap_parse.h"
#include "imapd/imap_session.h"
#include "imapd/imap_vanished.h"

/* --- grammar --- */

/* A sequence-set in which "*" and "$" are not allowed. */
static struct imap_set imap_qresync_set(struct scan *in, struct arena *a)
{
    struct imap_set set = imap_parse_set(in, a);
    bool plain = !set.saved;
    for (size_t i = 0; i < set.n; i++)
        plain &= set.ranges[i].first != IMAP_SET_STAR && set.ranges[i].last != IMAP_SET_STAR;
    if (scan_ok(in) && !plain)
        scan_fail(in, "* and $ are not allowed in QRESYNC");
    return set;
}

static uint64_t imap_qresync_count(struct scan *in, const struct imap_set *set)
{
    uint64_t n = 0;
    uint32_t before = 0;
    for (size_t i = 0; scan_ok(in) && i < set->n; i++) {
        const struct imap_set_range *r = &set->ranges[i];
        if (r->first <= before || r->last < r->first)
            scan_fail(in, "Message sequence match data must be in ascending order");
        n += (uint64_t)r->last - r->first + 1;
        before = r->last;
    }
    return n;
}

/* seq-match-data = "(" known-sequence-set SP known-uid-set ")" */
static void imap_qresync_match(struct imap_cmd *c, struct scan *in, struct imap_qresync *q)
{
    if (scan_ok(in) && (c->session->enabled & IMAP_UIDONLY)) /* RFC 9586 §3.7 */
        scan_fail(in, "[UIDREQUIRED] Message numbers are not allowed once UIDONLY is enabled");
    q->numbers = imap_qresync_set(in, c->arena);
    imap_parse_sp(in);
    q->uids = imap_qresync_set(in, c->arena);
    scan_byte(in, ')', "Expected ) behind the known UIDs");
    if (scan_ok(in) && imap_qresync_count(in, &q->numbers) != imap_qresync_count(in, &q->uids))
        scan_fail(in, "There must be as many UIDs as message numbers");
}

void imap_qresync_parse(struct imap_cmd *c, struct scan *in, struct imap_qresync *q)
{
    if (scan_ok(in) && !(c->session->enabled & IMAP_QRESYNC)) /* RFC 7162 §3.2.5 */
        scan_fail(in, "QRESYNC must be enabled first");
    q->asked = true;
    scan_byte(in, '(', "Expected ( behind QRESYNC");
    q->uidvalidity = scan_u32(in, "Expected a UIDVALIDITY");
    imap_parse_sp(in);
    q->modseq = scan_u64(in, "Expected a mod-sequence");
    bool more = scan_try(in, ' ');
    if (more && scan_peek(in) != '(') {
        struct imap_set known = imap_qresync_set(in, c->arena);
        for (size_t i = 0; scan_ok(in) && i < known.n; i++) {
            uint32_t a = known.ranges[i].first, b = known.ranges[i].last;
            uidset_add(&q->known, a < b ? a : b, a < b ? b : a);
        }
        q->some = true;
        more = scan_try(in, ' ');
    }
    if (more) {
        scan_byte(in, '(', "Expected ( before the message numbers");
        imap_qresync_match(c, in, q);
    }
    scan_byte(in, ')', "Expected ) behind the known UIDs");
}

void imap_qresync_fini(struct imap_qresync *q)
{
    uidset_fini(&q->known);
    uidset_fini(&q->changed);
    imap_since_fini(&q->since);
}

/* --- message sequence match data --- */

/* The largest i in [from, to] whose message has UID i + ahead, or 0. The distance between number and UID never falls from
 * one message to the next. */
static uint32_t imap_qresync_run_matched(struct imap_view *v, uint32_t from, uint32_t to,
                                         int64_t ahead)
{
    uint32_t count = uidset_count(&v->uids), low = from, high = to < count ? to : count;
    uint32_t found = 0;
    while (low <= high) {
        uint32_t middle = low + (high - low) / 2;
        if ((int64_t)uidset_nth(&v->uids, middle) - middle <= ahead) {
            found = middle;
            low = middle + 1;
        } else {
            high = middle - 1;
        }
    }
    return found && (int64_t)uidset_nth(&v->uids, found) - found == ahead ? found : 0;
}

uint32_t imap_qresync_matched(struct imap_view *v, const struct imap_set *numbers,
                              const struct imap_set *uids)
{
    uint32_t matched = 0;
    size_t i = 0, k = 0;
    uint32_t into_i = 0, into_k = 0; /* members of these ranges that are done with */
    while (i < numbers->n && k < uids->n) {
        uint32_t number = numbers->ranges[i].first + into_i, uid = uids->ranges[k].first + into_k;
        uint32_t left_i = numbers->ranges[i].last - number, left_k = uids->ranges[k].last - uid;
        uint32_t left = left_i < left_k ? left_i : left_k;
        int64_t ahead = (int64_t)uid - number;
        uint32_t last = imap_qresync_run_matched(v, number, number + left, ahead);
        if (last)
            matched = (uint32_t)(last + ahead);
        into_i += left + 1;
        into_k += left + 1;
        if (left == left_i) {
            i++;
            into_i = 0;
        }
        if (left == left_k) {
            k++;
            into_k = 0;
        }
    }
    return matched;
}

/* --- the answer --- */

static enum err imap_qresync_tell_slice(struct imap_cmd *c, struct imap_qresync *q, struct fault *f)
{
    struct imap_view *v = c->session->view;
    struct txn *t = NULL;
    struct msg m;
    enum err e = txn_read(c->session->options->store, &t, f);
    if (e != ERR_OK)
        return e;
    imap_rows_begin(&q->rows, t);
    while (e == ERR_OK && imap_rows_next(&q->rows, &m)) { /* one, however late in the turn */
        if (m.modseq > q->modseq)
            e = imap_view_tell_flags(v, t, &m, true, f);
        if (imap_cmd_should_yield(c))
            break;
    }
    e = imap_rows_end(&q->rows, e, f);
    txn_read_end(&t);
    return e;
}

static enum step imap_qresync_more_rows(struct imap_cmd *c)
{
    struct imap_qresync *q = c->state;
    struct fault f = FAULT_NONE;
    enum err e = imap_qresync_tell_slice(c, q, &f);
    if (e != ERR_OK)
        return imap_reply_err(c, e, &f);
    if (q->rows.next != 0)
        return STEP_MORE;
    return imap_reply_ok(c, q->code, q->text);
}

/* All of it before the first FETCH: RFC 7162 §3.2.6 */
static enum step imap_qresync_more_gone(struct imap_cmd *c)
{
    struct imap_qresync *q = c->state;
    if (!imap_vanished_tell(c->session, &q->since.gone, true, &q->told))
        return STEP_MORE;
    c->more = imap_qresync_more_rows;
    return imap_qresync_more_rows(c);
}

static void imap_qresync_select(struct imap_cmd *c, struct imap_qresync *q)
{
    struct imap_view *v = c->session->view;
    uint32_t matched = imap_qresync_matched(v, &q->numbers, &q->uids);
    uidset_copy(&q->changed, &v->uids);
    if (!q->since.whole)
        uidset_intersect(&q->changed, &q->since.changed);
    if (q->some) {
        uidset_intersect(&q->changed, &q->known);
        uidset_intersect(&q->since.gone, &q->known);
    }
    if (matched)
        uidset_remove(&q->since.gone, 1, matched);
    imap_rows_init(&q->rows, v->mailbox, &q->changed);
}

static enum step imap_qresync_more_since(struct imap_cmd *c)
{
    struct imap_qresync *q = c->state;
    struct fault f = FAULT_NONE;
    enum err e = imap_since_slice(c, &q->since, &f);
    if (e != ERR_OK)
        return imap_reply_err(c, e, &f);
    if (!q->since.done)
        return STEP_MORE;
    imap_qresync_select(c, q);
    c->more = imap_qresync_more_gone;
    return imap_qresync_more_gone(c);
}

enum step imap_qresync_run(struct imap_cmd *c, struct imap_qresync *q, const char *code,
                           const char *text)
{
    must(c->state == q);
    if (q->uidvalidity != c->session->view->uidvalidity)
        return imap_reply_ok(c, code, "The UIDVALIDITY is another one");
    q->code = code;
    q->text = text;
    imap_since_init(&q->since, q->modseq);
    c->more = imap_qresync_more_since;
    return imap_qresync_more_since(c);
}
