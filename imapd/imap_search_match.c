#include "imapd/imap_search.h"
#include "common/must.h"
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

static bool match_row(const struct search_message *m, const struct search_key *k)
{
    const struct msg *row = m->msg;
    switch (k->kind) {
    case SEARCH_ALL:
        return true;
    case SEARCH_FLAG:
        return ((row->flags & k->flag) != 0) == k->set;
    case SEARCH_RECENT:
        return (m->view && imap_view_recent(m->view, row->uid)) == k->set;
    case SEARCH_NEW:
        return m->view && imap_view_recent(m->view, row->uid) && !(row->flags & FLAGS_SEEN);
    case SEARCH_KEYWORD:
        return (k->known && flags_bit(row->keywords, k->bit)) == k->set;
    case SEARCH_SET:
        return uidset_has(k->uids, row->uid);
    case SEARCH_SIZE_OVER:
        return row->bytes > k->number;
    case SEARCH_SIZE_UNDER:
        return row->bytes < k->number;
    case SEARCH_MODSEQ:
        return row->modseq >= k->number;
    case SEARCH_INTERNAL:
        return match_day(date_day(row->internal), k);
    case SEARCH_SAVED:
        return match_day(date_day((struct date){.utc = row->saved}), k);
    case SEARCH_OLDER:
        return row->internal.utc <= k->moment;
    case SEARCH_YOUNGER:
        return row->internal.utc >= k->moment;
    case SEARCH_EMAIL:
        return k->set && row->blob == k->number;
    case SEARCH_THREAD:
        return k->set && row->thread == k->number;
    case SEARCH_GROUP:
    case SEARCH_OR:
    case SEARCH_SENT:
    case SEARCH_HEADER:
    case SEARCH_BODY:
    case SEARCH_TEXT:
        break;
    }
    must(!"a key that is answered by the row alone");
    return false;
}

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
    switch (k->kind) {
    case SEARCH_GROUP:
        return imap_search_match(m, k->a, scan_out);
    case SEARCH_OR:
        return match_or(m, k, scan_out);
    case SEARCH_SENT:
        return match_sent(m, k);
    case SEARCH_HEADER:
    case SEARCH_BODY:
    case SEARCH_TEXT:
        *scan_out = k->scan;
        return (enum search_answer)m->scanned[k->scan];
    case SEARCH_ALL:
    case SEARCH_FLAG:
    case SEARCH_RECENT:
    case SEARCH_NEW:
    case SEARCH_KEYWORD:
    case SEARCH_SET:
    case SEARCH_SIZE_OVER:
    case SEARCH_SIZE_UNDER:
    case SEARCH_MODSEQ:
    case SEARCH_INTERNAL:
    case SEARCH_SAVED:
    case SEARCH_OLDER:
    case SEARCH_YOUNGER:
    case SEARCH_EMAIL:
    case SEARCH_THREAD:
        break;
    }
    return match_row(m, k) ? SEARCH_YES : SEARCH_NO;
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
