#include "imapd/imap_progress.h"

#include "common/clock.h"
#include "imapd/imap_find.h"
#include "imapd/imap_session.h"

#include <inttypes.h>

/* inprogress-tag = quoted / nil; NIL for a tag with "]": RFC 9585 §4. A tag has no character that would be quoted. */
static void imap_progress_tag(const struct imap_cmd *c, struct buf *out)
{
    if (span_find(c->tag, ']') < c->tag.n)
        buf_addz(out, "NIL");
    else
        buf_addf(out, "\"%.*s\"", SPAN_ARG(c->tag));
}

void imap_progress(struct imap_cmd *c, uint64_t done, uint64_t goal)
{
    uint64_t now = clock_ms();
    if (c->progress_ms == 0)
        c->progress_ms = now + IMAP_PROGRESS_MS;
    if (now < c->progress_ms)
        return;
    c->progress_ms = now + IMAP_PROGRESS_MS;
    struct buf line;
    buf_init(&line, 64 + c->tag.n);
    buf_addz(&line, "* OK [INPROGRESS (");
    imap_progress_tag(c, &line);
    if (goal > done && goal <= UINT32_MAX)
        buf_addf(&line, " %" PRIu64 " %" PRIu64, done, goal);
    else if (done <= UINT32_MAX)
        buf_addf(&line, " %" PRIu64 " NIL", done);
    else
        buf_addz(&line, " NIL NIL");
    buf_addz(&line, ")] Still at it\r\n");
    imap_out(c->session, buf_span(&line));
    buf_fini(&line);
}

void imap_progress_find(struct imap_cmd *c, struct imap_find *find)
{
    uint32_t next = find->stage == FIND_ROWS ? find->rows.next : 0;
    uint32_t done = next > 1 ? uidset_rank(&find->candidates, next - 1) : 0;
    imap_progress(c, done, uidset_count(&find->candidates));
}
