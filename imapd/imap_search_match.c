#include "imapd/imap_search.h"
#include "store/blob.h"

/* Room: one message held against the keys of a search, RFC 9051 §6.4.4. What only the body can
 * answer is left to imap_search_scan. */

#define HEADER_BYTES (1u << 20) /* of one header that is looked through */

bool imap_search_match_outline(struct search_message *m)
{
    if (m->have_outline)
        return m->err == ERR_OK;
    m->have_outline = true;
    m->err = body_text_outline(m->t, m->msg->blob, &m->record, &m->outline, &m->fault);
    return m->err == ERR_OK;
}

bool imap_search_match_header(struct search_message *m)
{
    if (m->have_header)
        return m->err == ERR_OK;
    if (!imap_search_match_outline(m))
        return false;
    m->have_header = true;
    size_t n =
        m->outline.header_bytes < HEADER_BYTES ? (size_t)m->outline.header_bytes : HEADER_BYTES;
    buf_reset(&m->header);
    m->err = blob_read(m->t, m->msg->blob, 0, n, &m->header, &m->fault);
    return m->err == ERR_OK;
}

static bool match_day(int32_t day, const struct search_key *k)
{
    return k->when == SEARCH_BEFORE ? day < k->day
           : k->when == SEARCH_ON   ? day == k->day
                                    : day >= k->day;
}

static enum search_answer match_sent(struct search_message *m, const struct search_key *k)
{
    if (m->have_date)
        return m->dated && match_day(date_day(m->sent), k) ? SEARCH_YES : SEARCH_NO;
    if (m->rows_only)
        return SEARCH_NEEDS_SCAN;
    return imap_search_match_outline(m) && m->outline.dated &&
                   match_day(date_day(m->outline.sent), k)
               ? SEARCH_YES
               : SEARCH_NO;
}

/* --- what the row alone answers --- */

typedef bool row_fn(const struct search_message *m, const struct search_key *k);

static bool row_all(const struct search_message *m, const struct search_key *k)
{
    (void)m, (void)k;
    return true;
}

static bool row_flag(const struct search_message *m, const struct search_key *k)
{
    return ((m->msg->flags & k->flag) != 0) == k->set;
}

static bool is_recent(const struct search_message *m)
{
    return m->view && imap_view_recent(m->view, m->msg->uid);
}

static bool row_recent(const struct search_message *m, const struct search_key *k)
{
    return is_recent(m) == k->set;
}

static bool row_new(const struct search_message *m, const struct search_key *k)
{
    (void)k;
    return is_recent(m) && !(m->msg->flags & FLAGS_SEEN);
}

static bool row_keyword(const struct search_message *m, const struct search_key *k)
{
    return (k->known && flags_bit(m->msg->keywords, k->bit)) == k->set;
}

static bool row_set(const struct search_message *m, const struct search_key *k)
{
    return uidset_has(k->uids, m->msg->uid);
}

static bool row_size_over(const struct search_message *m, const struct search_key *k)
{
    return m->msg->bytes > k->number;
}

static bool row_size_under(const struct search_message *m, const struct search_key *k)
{
    return m->msg->bytes < k->number;
}

static bool row_modseq(const struct search_message *m, const struct search_key *k)
{
    return m->msg->modseq >= k->number;
}

static bool row_internal(const struct search_message *m, const struct search_key *k)
{
    return match_day(date_day(m->msg->internal), k);
}

static bool row_saved(const struct search_message *m, const struct search_key *k)
{
    return match_day(date_day((struct date){.utc = m->msg->saved}), k);
}

static bool row_older(const struct search_message *m, const struct search_key *k)
{
    return m->msg->internal.utc <= k->moment;
}

static bool row_younger(const struct search_message *m, const struct search_key *k)
{
    return m->msg->internal.utc >= k->moment;
}

static bool row_email(const struct search_message *m, const struct search_key *k)
{
    return k->set && m->msg->blob == k->number;
}

static bool row_thread(const struct search_message *m, const struct search_key *k)
{
    return k->set && m->msg->thread == k->number;
}

/* clang-format off */
static row_fn *const row_fns[SEARCH_TEXT + 1] = {
    [SEARCH_ALL]        = row_all,
    [SEARCH_FLAG]       = row_flag,
    [SEARCH_RECENT]     = row_recent,
    [SEARCH_NEW]        = row_new,
    [SEARCH_KEYWORD]    = row_keyword,
    [SEARCH_SET]        = row_set,
    [SEARCH_SIZE_OVER]  = row_size_over,
    [SEARCH_SIZE_UNDER] = row_size_under,
    [SEARCH_MODSEQ]     = row_modseq,
    [SEARCH_INTERNAL]   = row_internal,
    [SEARCH_SAVED]      = row_saved,
    [SEARCH_OLDER]      = row_older,
    [SEARCH_YOUNGER]    = row_younger,
    [SEARCH_EMAIL]      = row_email,
    [SEARCH_THREAD]     = row_thread,
};
/* clang-format on */

/* --- all keys --- */

static enum search_answer negate(enum search_answer a, bool negated)
{
    return !negated || a == SEARCH_NEEDS_SCAN ? a : a == SEARCH_YES ? SEARCH_NO : SEARCH_YES;
}

static enum search_answer match_or(struct search_message *m, const struct search_key *k,
                                   unsigned *scan_out)
{
    unsigned scan_b = 0;
    enum search_answer a = imap_search_match(m, k->a, scan_out);
    enum search_answer b = a == SEARCH_YES ? SEARCH_NO : imap_search_match(m, k->b, &scan_b);
    if (a == SEARCH_YES || b == SEARCH_YES)
        return SEARCH_YES;
    if (a == SEARCH_NO && b == SEARCH_NEEDS_SCAN)
        *scan_out = scan_b;
    return a == SEARCH_NO && b == SEARCH_NO ? SEARCH_NO : SEARCH_NEEDS_SCAN;
}

static enum search_answer match_key(struct search_message *m, const struct search_key *k,
                                    unsigned *scan_out)
{
    if (row_fns[k->kind])
        return row_fns[k->kind](m, k) ? SEARCH_YES : SEARCH_NO;
    if (k->kind == SEARCH_GROUP)
        return imap_search_match(m, k->a, scan_out);
    if (k->kind == SEARCH_OR)
        return match_or(m, k, scan_out);
    if (k->kind == SEARCH_SENT)
        return match_sent(m, k);
    *scan_out = k->scan; /* HEADER, BODY, TEXT */
    return (enum search_answer)m->scanned[k->scan];
}

/* All keys of a list. One NO settles it; otherwise the first open scan is asked for. */
enum search_answer imap_search_match(struct search_message *m, const struct search_key *keys,
                                     unsigned *scan_out)
{
    enum search_answer all = SEARCH_YES;
    for (const struct search_key *k = keys; k; k = k->next) {
        unsigned scan = 0;
        enum search_answer one = negate(match_key(m, k, &scan), k->negated);
        if (one == SEARCH_NO || m->err != ERR_OK)
            return SEARCH_NO;
        if (one == SEARCH_NEEDS_SCAN && all == SEARCH_YES) {
            all = SEARCH_NEEDS_SCAN;
            *scan_out = scan;
        }
    }
    return all;
}

/* Of each fuzzy text key that holds: words in any order are worth less than the text itself, the body less than a field. */
unsigned char imap_search_match_score(const struct search_message *m,
                                      const struct search_program *p)
{
    unsigned keys = 0, sum = 0;
    for (unsigned i = 0; i < p->scans; i++) {
        const struct search_key *k = p->scan_keys[i];
        if (!k->fuzzy || m->scanned[i] != SEARCH_YES)
            continue;
        keys++;
        sum += (m->exactly[i] ? 80 : 30) + (k->kind == SEARCH_HEADER ? 20 : 0);
    }
    return keys ? (unsigned char)(sum / keys) : 100;
}
