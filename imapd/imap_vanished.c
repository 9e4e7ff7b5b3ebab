#include "imapd/imap_vanished.h"

#include "imapd/imap_session.h"

#define IMAP_VANISHED_RANGE_COUNT 400 /* ranges of one line: at most 9 KB */

bool imap_vanished_wanted(const struct imap_session *s)
{
    return (s->enabled & (IMAP_QRESYNC | IMAP_UIDONLY)) != 0;
}

/* expunged-resp = "VANISHED" [SP "(EARLIER)"] SP known-uids    RFC 7162 §7 */
bool imap_vanished_tell(struct imap_session *s, const struct uidset *gone, bool earlier, size_t *at)
{
    struct buf line;
    buf_init(&line, 32u * IMAP_VANISHED_RANGE_COUNT);
    while (*at < gone->n) {
        size_t n = gone->n - *at;
        if (n > IMAP_VANISHED_RANGE_COUNT)
            n = IMAP_VANISHED_RANGE_COUNT;
        const struct uidset part = {.ranges = gone->ranges + *at, .n = n};
        buf_addz(&line, earlier ? "* VANISHED (EARLIER) " : "* VANISHED ");
        uidset_text(&part, &line);
        buf_addz(&line, "\r\n");
        imap_out(s, buf_span(&line));
        buf_reset(&line);
        *at += n;
        if (imap_cmd_should_yield(&s->cmd))
            break;
    }
    buf_fini(&line);
    return *at >= gone->n;
}
