#include "common/log.h"
#include "imapd/imap_session.h"
#include "imapd/imap_verbs.h"

/* Room: UNAUTHENTICATE, RFC 8437: the session is as it was before LOGIN, but for TLS. NO is not permitted: what cannot be
 * reset is closed. */

enum step imap_unauthenticate(struct imap_cmd *c)
{
    struct imap_session *s = c->session;
    if (!s->options->limits.unauthenticate)
        return imap_reply_bad(c, "UNAUTHENTICATE is switched off");
    struct span reply = arena_printf(c->arena, "%.*s OK Unauthenticated\r\n", SPAN_ARG(c->tag));
    if (!conn_uncompress(s->conn, reply)) {
        imap_reply_bye(s, "[UNAVAILABLE] Replies are waiting to be read");
        return STEP_CLOSE;
    }
    s->out_bytes += reply.n;
    log_event(LOG_INFO, s->id.text, "imap.unauthenticated", "user=\"%s\"", LOG_SPAN(s->address));
    imap_session_unauthenticate(s);
    return STEP_DONE;
}
