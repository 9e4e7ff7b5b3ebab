#include "imapd/imap_parse.h"
#include "imapd/imap_session.h"
#include "imapd/imap_verbs.h"

/* Room: COMPRESS, RFC 4978. What compresses is net/deflate.c; all that a turn of the loop has to say leaves with the end of
 * it, tagged replies and the news of IDLE alike. */

/* compress = "COMPRESS" SP algorithm    algorithm = "DEFLATE"    RFC 4978 §5 */
enum step imap_compress(struct imap_cmd *c)
{
    struct imap_session *s = c->session;
    struct span name = imap_parse_atom(&c->args);
    scan_end(&c->args, "Something follows the algorithm");
    if (!scan_ok(&c->args))
        return imap_reply_bad(c, c->args.why);
    if (!span_eq_ci(name, SPAN("DEFLATE")))
        return imap_reply_bad(c, "Only DEFLATE is known");
    if (s->state == IMAP_NONAUTH) /* memory is not for strangers */
        return imap_reply_no(c, NULL, "Log in first");
    if (conn_is_compressed(s->conn))
        return imap_reply_bad(c, "[COMPRESSIONACTIVE] COMPRESS is active already");
    /* Without news, which would come between the reply and the compression that begins behind it. */
    struct span reply = arena_printf(c->arena, "%.*s OK DEFLATE active\r\n", SPAN_ARG(c->tag));
    if (!conn_compress(s->conn, reply))
        return imap_reply_no(c, "UNAVAILABLE", "Cannot compress, or there are commands behind");
    s->out_bytes += reply.n;
    return STEP_DONE;
}
