#include "imapd/imap_idle.h"

#include "common/clock.h"
#include "imapd/imap_input.h"
#include "imapd/imap_notify.h"
#include "imapd/imap_session.h"
#include "imapd/imap_verbs.h"

/* Sessions that wait are spoken to together: their times are rounded up to this, so that a loop
 * wakes once for many. */
#define IMAP_IDLE_TOGETHER_MS 10000

static void imap_idle_next(struct imap_session *s)
{
    unsigned every = s->options->limits.still_here_ms;
    if (every) {
        uint64_t due = clock_ms() + every;
        uint64_t coarse = every > IMAP_IDLE_TOGETHER_MS ? IMAP_IDLE_TOGETHER_MS : 1;
        s->still_ms = (due + coarse - 1) / coarse * coarse;
    }
}

void imap_idle_still(struct imap_session *s)
{
    if (!imap_notify_mid(s))
        imap_out(s, SPAN("* OK Still here\r\n"));
    imap_idle_next(s);
}

/* "DONE" CRLF    RFC 9051 §9 idle */
static enum step imap_idle_line(struct imap_cmd *c, struct span line)
{
    struct imap_session *s = c->session;
    s->idling = false;
    s->still_ms = 0;
    if (!span_eq_ci(line, SPAN("DONE")))
        return imap_reply_bad(c, "Expected DONE");
    return imap_reply_ok(c, NULL, "Idle ended");
}

enum step imap_idle(struct imap_cmd *c)
{
    struct imap_session *s = c->session;
    imap_out(s, SPAN("+ idling\r\n"));
    if (s->view && !imap_view_news(s->view, true, false))
        conn_want_room(s->conn);
    s->idling = true;
    imap_session_stir(s);
    s->active_ms = clock_ms();
    imap_idle_next(s);
    imap_session_deadline(s);
    imap_input_line(c, imap_idle_line);
    return STEP_WAIT;
}
