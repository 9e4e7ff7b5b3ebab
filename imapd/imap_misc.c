#include "imapd/imap_misc.h"

#include "common/log.h"
#include "imapd/imap_input.h"
#include "imapd/imap_parse.h"
#include "imapd/imap_reach.h"
#include "imapd/imap_session.h"
#include "imapd/imap_verbs.h"

#define IMAP_MISC_ID_PAIRS 30 /* RFC 2971 §3.3 */
#define IMAP_MISC_VERSION "0.1"

bool imap_misc_may_login(const struct imap_session *s)
{
    return conn_is_tls(s->conn) || (s->options->plaintext_auth && conn_peer_loopback(s->conn));
}

enum step imap_misc_noop(struct imap_cmd *c)
{
    return imap_reply_ok(c, NULL, "NOOP completed");
}

enum step imap_misc_logout(struct imap_cmd *c)
{
    struct imap_session *s = c->session;
    imap_session_enter(s, IMAP_BYE);
    imap_reply_bye(s, "Logging out");
    return imap_reply_ok(c, NULL, "Logout completed");
}

/* id_params_list = "(" *(string SP nstring) ")" / nil    RFC 2971 §4 */
enum step imap_misc_id(struct imap_cmd *c)
{
    struct imap_session *s = c->session;
    struct scan *in = &c->args;
    struct buf told;
    unsigned pairs = 0;
    buf_init(&told, 512);
    if (!scan_try_word(in, SPAN("NIL"))) {
        scan_byte(in, '(', "expected ( or NIL");
        while (scan_ok(in) && !scan_try(in, ')')) {
            if (pairs++ > 0)
                imap_parse_sp(in);
            struct span name = imap_parse_string(in, c->arena);
            imap_parse_sp(in);
            struct span value = imap_parse_nstring(in, c->arena);
            if (pairs > IMAP_MISC_ID_PAIRS)
                scan_fail(in, "More than 30 fields");
            else if (scan_ok(in) &&
                     (span_eq_ci(name, SPAN("name")) || span_eq_ci(name, SPAN("version"))))
                buf_addf(&told, "%s%s", told.n ? " " : "", LOG_SPAN(span_to(value, 60)));
        }
    }
    scan_end(in, "Unexpected text at the end");
    if (scan_ok(in)) {
        log_event(LOG_DEBUG, s->id.text, "imap.client", "name=\"%.*s\"", SPAN_ARG(buf_span(&told)));
        imap_outf(s, "* ID (\"name\" \"mailstead\" \"version\" \"%s\")\r\n", IMAP_MISC_VERSION);
    }
    buf_fini(&told);
    return scan_ok(in) ? imap_reply_ok(c, NULL, "ID completed") : imap_reply_bad(c, in->why);
}

enum step imap_misc_namespace(struct imap_cmd *c)
{
    imap_out(c->session, SPAN("* NAMESPACE ((\"\" \"/\")) ((\"" IMAP_REACH_OTHERS
                              "\" \"/\")) ((\"" IMAP_REACH_SHARED "\" \"/\"))\r\n"));
    return imap_reply_ok(c, NULL, "Namespace completed");
}

enum step imap_misc_starttls(struct imap_cmd *c)
{
    struct imap_session *s = c->session;
    if (!s->options->tls)
        return imap_reply_no(c, "UNAVAILABLE", "TLS is not set up here");
    if (!conn_starttls(s->conn, s->options->tls)) {
        log_event(LOG_WARN, s->id.text, "imap.injected", "peer=%s", LOG_SPAN(conn_peer(s->conn)));
        imap_reply_bad(c, "Commands behind STARTTLS");
        return STEP_CLOSE;
    }
    return imap_reply_ok(c, NULL, "Begin TLS now");
}
