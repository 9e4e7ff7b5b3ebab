#include "imapd/imap_fetch.h"

#include "common/must.h"
#include "imapd/imap_object.h"
#include "message/nstring.h"

/* Room: data items that the message's row or its outline has ready. */

static void imap_fetch_row_date(struct date d, struct buf *out)
{
    char date[DATE_IMAP_BYTES];
    date_imap_format(d, date);
    buf_byte(out, '"');
    buf_add(out, span_of(date, DATE_IMAP_BYTES));
    buf_byte(out, '"');
}

static void imap_fetch_row_object(enum imap_object kind, uint64_t id, struct buf *out)
{
    if (id == 0) {
        buf_addz(out, "NIL");
        return;
    }
    buf_byte(out, '(');
    imap_object_text(kind, id, out);
    buf_byte(out, ')');
}

/* Those that only the row is asked for. */
static void imap_fetch_row_plain(const struct imap_view *v, const struct msg *m,
                                 enum fetch_kind kind, struct buf *out)
{
    if (kind == FETCH_UID)
        buf_u64(out, m->uid);
    else if (kind == FETCH_FLAGS)
        imap_out_flags_text(out, m->flags, m->keywords, v->keywords, v->keyword_count,
                            imap_view_recent(v, m->uid));
    else if (kind == FETCH_INTERNALDATE)
        imap_fetch_row_date(m->internal, out);
    else if (kind == FETCH_SIZE)
        buf_u64(out, m->bytes);
    else if (kind == FETCH_MODSEQ)
        buf_addf(out, "(%llu)", (unsigned long long)m->modseq);
    else if (kind == FETCH_SAVEDATE)
        imap_fetch_row_date((struct date){.utc = m->saved}, out);
    else if (kind == FETCH_EMAILID)
        imap_fetch_row_object(IMAP_OBJECT_EMAIL, m->blob, out);
    else if (kind == FETCH_THREADID)
        imap_fetch_row_object(IMAP_OBJECT_THREAD, m->thread, out);
    else
        must(!"not an item of the row");
}

void imap_fetch_row_item(const struct imap_view *v, const struct msg *m, const struct outline *o,
                         const struct fetch_item *item, struct arena *a, struct buf *out)
{
    buf_add(out, item->label);
    buf_byte(out, ' ');
    if (item->kind < FETCH_ENVELOPE)
        imap_fetch_row_plain(v, m, item->kind, out);
    else if (item->kind == FETCH_ENVELOPE)
        buf_add(out, o->envelope);
    else if (item->kind == FETCH_BODYSTRUCTURE)
        buf_add(out, o->bodystructure);
    else if (item->kind == FETCH_BODY)
        buf_add(out, outline_body(o, a));
    else if (item->kind == FETCH_PREVIEW)
        nstring_put(out, o->preview.n ? o->preview : SPAN("")); /* never NIL: RFC 8970 §3.2 */
    else
        must(!"a body item is no row item");
}
