#include "imapd/imap_append.h"
#include "imapd/imap_parse.h"
#include "imapd/imap_session.h"
#include "imapd/imap_verbs.h"

/* Room: REPLACE and UID REPLACE, RFC 8508. */

/* replace = "REPLACE" SP seq-number SP mailbox append-message    RFC 8508 §5 */
enum step imap_replace(struct imap_cmd *c)
{
    struct imap_view *v = c->session->view;
    struct scan *in = &c->args;
    bool last = scan_try(in, '*');
    uint32_t n = last ? 0 : scan_u32(in, "Expected a message number");
    imap_parse_sp(in);
    if (scan_ok(in) && !last && n == 0)
        scan_fail(in, "Message numbers begin at 1");
    if (!scan_ok(in))
        return imap_reply_bad(c, in->why);
    uint32_t uid = last ? uidset_last(&v->uids) : c->uid ? n : uidset_nth(&v->uids, n);
    if (uid == 0)
        return imap_reply_bad(c, "There is no message of that number");
    if (!uidset_has(&v->uids, uid))
        return imap_reply_no(c, "NONEXISTENT", "There is no message of that UID");
    return imap_append_begin(c, uid);
}
