#include "imapd/imap_parse.h"
#include "imapd/imap_session.h"
#include "imapd/imap_verbs.h"

#include <inttypes.h>

/* Room: UIDBATCHES, RFC 10022. The view has the UIDs as ranges: a batch costs two look-ups, however many messages it holds. */

#define IMAP_UIDBATCHES_LEAST_COUNT 500    /* messages of a batch, RFC 10022 §3.1.3.2 */
#define IMAP_UIDBATCHES_MOST_COUNT 100000u /* messages of a batch range, RFC 10022 §3.1.5 */

/* message-batches = "UIDBATCHES" SP nz-number [SP nz-number ":" nz-number]    RFC 10022 §4 */
struct imap_uidbatches {
    uint32_t size;
    bool some; /* only these, from 1: */
    uint32_t first, last;
};

static uint32_t imap_uidbatches_number(struct scan *s)
{
    uint32_t n = scan_u32(s, "Expected a number");
    if (scan_ok(s) && n == 0)
        scan_fail(s, "Numbers begin at 1");
    return n;
}

static void imap_uidbatches_parse(struct scan *s, struct imap_uidbatches *b)
{
    b->size = imap_uidbatches_number(s);
    if (scan_try(s, ' ')) {
        b->some = true;
        b->first = imap_uidbatches_number(s);
        scan_byte(s, ':', "Expected : in the batch range");
        b->last = imap_uidbatches_number(s);
        if (scan_ok(s) && b->first > b->last) /* RFC 10022 §3.1.5 */
            scan_fail(s, "[CLIENTBUG] Invalid batch range");
    }
    scan_end(s, "Something follows the batch range");
}

/* Batch i, from the end: the ranges touch each other, so that any UID is in one of them, and the last goes down to 1
 * (RFC 10022 §3.1.4). */
static void imap_uidbatches_range(struct uidset *uids, uint32_t size, uint64_t i, struct buf *out)
{
    uint64_t count = uidset_count(uids), above = (i - 1) * size; /* messages above it */
    uint32_t high =
        above == 0 ? uidset_last(uids) : uidset_nth(uids, (uint32_t)(count - above + 1)) - 1;
    uint32_t low =
        above + size >= count ? 1 : uidset_nth(uids, (uint32_t)(count - above - size + 1));
    buf_u64(out, high);
    buf_byte(out, ':');
    buf_u64(out, low);
}

enum step imap_uidbatches(struct imap_cmd *c)
{
    struct imap_session *s = c->session;
    struct uidset *uids = &s->view->uids;
    struct imap_uidbatches b = {0};
    struct buf line;
    imap_uidbatches_parse(&c->args, &b);
    if (!scan_ok(&c->args))
        return imap_reply_bad(c, c->args.why);
    if (b.size < IMAP_UIDBATCHES_LEAST_COUNT)
        return imap_reply_no(c, "TOOFEW", "Minimum batch size is 500");
    if (b.some && (uint64_t)(b.last - b.first + 1) * b.size > IMAP_UIDBATCHES_MOST_COUNT &&
        b.last != b.first)
        return imap_reply_no(c, "TOOMANY", "A batch range may span 100000 messages");
    uint64_t batches = ((uint64_t)uidset_count(uids) + b.size - 1) / b.size;
    uint64_t first = b.some ? b.first : 1, last = b.some && b.last < batches ? b.last : batches;
    buf_init(&line, SIZE_MAX);
    buf_addf(&line, "* UIDBATCHES (TAG \"%.*s\")", SPAN_ARG(c->tag));
    for (uint64_t i = first; i <= last; i++) {
        buf_byte(&line, i == first ? ' ' : ',');
        imap_uidbatches_range(uids, b.size, i, &line);
    }
    buf_addz(&line, "\r\n");
    imap_out(s, buf_span(&line));
    buf_fini(&line);
    return imap_reply_ok(c, NULL, "UIDBATCHES completed");
}
