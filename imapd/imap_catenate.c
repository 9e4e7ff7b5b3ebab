#include "imapd/imap_catenate.h"

#include "common/scan.h"
#include "imapd/imap_reach.h"
#include "imapd/imap_url.h"
#include "store/blob.h"

#include <inttypes.h>

#define IMAP_CATENATE_VALUE_BYTES (2u << 20) /* label and header fields of HEADER.FIELDS */

static enum err imap_catenate_bad(struct fault *f, const char *why)
{
    return fault_set(f, ERR_INVALID, "%s", why);
}

/* A message of the current session alone: RFC 4469 §3 */
static bool imap_catenate_is_own(const struct imap_session *s, const struct imap_url *u)
{
    return u->host.n == 0 || (span_eq_ci(u->host, span_cstr(s->options->hostname)) &&
                              span_eq_ci(u->user, s->address));
}

/* The section as FETCH knows it. */
static bool imap_catenate_item(struct arena *a, const struct imap_url *u, struct fetch_item *out)
{
    struct span text = arena_printf(a, "BODY.PEEK[%.*s]", SPAN_ARG(u->section));
    struct scan in = scan_of(text);
    struct fetch_items items;
    imap_fetch_parse(&in, a, false, &items);
    if (!scan_ok(&in) || items.n != 1 || items.list[0].kind != FETCH_SECTION)
        return false;
    *out = items.list[0];
    if (u->partial) {
        out->partial = true;
        out->from = u->from;
        out->max_bytes = u->max_bytes ? u->max_bytes : INT64_MAX;
    }
    return true;
}

static enum err imap_catenate_message(struct imap_session *s, struct txn *t, struct arena *a,
                                      const struct imap_url *u, struct msg *out, struct fault *f)
{
    struct mailbox box;
    enum err e = imap_reach(s, t, a, u->mailbox, ACL_READ, &box, f);
    if (e == ERR_OK && u->uidvalidity && u->uidvalidity != box.uidvalidity)
        return imap_catenate_bad(f, "UIDVALIDITY is another");
    return e == ERR_OK ? msg_get(t, a, box.id, u->uid, out, f) : e;
}

/* value: " {3}\r\nabc", " {3}\r\n" with the bytes to follow, or " NIL". */
static enum err imap_catenate_value(struct span value, struct imap_catenate *out, struct fault *f)
{
    struct scan in = scan_of(value);
    scan_byte(&in, ' ', "");
    (void)scan_try(&in, '~');
    scan_byte(&in, '{', "");
    out->total = out->left = scan_u64(&in, "");
    (void)scan_until(&in, '\n', "");
    scan_byte(&in, '\n', "");
    out->ready = scan_rest(&in);
    return scan_ok(&in) ? ERR_OK : imap_catenate_bad(f, "there is no such section");
}

static enum err imap_catenate_section(struct txn *t, struct arena *a, const struct msg *m,
                                      const struct fetch_item *item, struct imap_catenate *out,
                                      struct fault *f)
{
    struct buf record, value;
    struct outline o = {.bytes = m->bytes};
    bool follow = false;
    buf_init(&record, OUTLINE_RECORD_MAX);
    buf_init(&value, IMAP_CATENATE_VALUE_BYTES);
    enum err e = ERR_OK;
    if (item->text != FETCH_WHOLE || item->number_count > 0) {
        e = blob_outline(t, m->blob, &record, f);
        if (e == ERR_OK && !outline_open(buf_span(&record), &o))
            e = fault_set(f, ERR_CORRUPT, "the outline of body %" PRIu64 " is damaged", m->blob);
    }
    if (e == ERR_OK)
        e = imap_fetch_body(t, m, &o, item, &value, &out->bytes, &follow, f);
    if (e == ERR_OK)
        e = imap_catenate_value(arena_keep(a, span_from(buf_span(&value), item->label.n)), out, f);
    buf_fini(&record);
    buf_fini(&value);
    return e;
}

enum err imap_catenate_open(struct imap_session *s, struct arena *a, struct span url,
                            struct imap_catenate *out, struct fault *f)
{
    struct imap_url u;
    struct fetch_item item;
    struct msg m;
    struct txn *t = NULL;
    *out = (struct imap_catenate){.ready = SPAN("")};
    if (!imap_url_parse(url, a, &u) || !imap_catenate_is_own(s, &u) ||
        !imap_catenate_item(a, &u, &item))
        return imap_catenate_bad(f, "not a URL of a message of this account");
    enum err e = txn_read(s->options->store, &t, f);
    if (e == ERR_OK)
        e = imap_catenate_message(s, t, a, &u, &m, f);
    if (e == ERR_OK) {
        out->blob = m.blob;
        e = imap_catenate_section(t, a, &m, &item, out, f);
    }
    txn_read_end(&t);
    return e;
}

enum err imap_catenate_more(struct imap_session *s, struct imap_catenate *part, struct buf *out,
                            struct fault *f)
{
    struct txn *t = NULL;
    enum err e = ERR_OK;
    buf_reset(out);
    if (part->ready.n > 0) {
        (void)buf_add(out, span_to(part->ready, BLOB_CHUNK_BYTES));
        part->ready = span_from(part->ready, out->n);
    } else {
        e = txn_read(s->options->store, &t, f);
        if (e == ERR_OK)
            e = imap_fetch_body_more(t, part->blob, &part->bytes, out, f);
        txn_read_end(&t);
    }
    if (e == ERR_OK && (out->n == 0 || out->n > part->left))
        e = fault_set(f, ERR_CORRUPT, "body %" PRIu64 " is shorter than its row says", part->blob);
    part->left -= e == ERR_OK ? out->n : 0;
    return e;
}
