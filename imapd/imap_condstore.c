#include "imapd/imap_condstore.h"

#include "imapd/imap_session.h"

#include <inttypes.h>
#include <stdio.h>

#define IMAP_CONDSTORE_CODE_BYTES 48

void imap_condstore_on(struct imap_session *s)
{
    if (s->enabled & IMAP_CONDSTORE)
        return;
    s->enabled |= IMAP_CONDSTORE;
    if (s->view)
        imap_outf(s, "* OK [HIGHESTMODSEQ %" PRIu64 "] Highest\r\n", s->view->told_modseq);
}

/* The expunges are among the news that go before the reply, so all changes up to the view's MODSEQ are told by then. */
enum step imap_condstore_reply(struct imap_cmd *c, bool any_went, const char *text)
{
    struct imap_session *s = c->session;
    struct fault f = FAULT_NONE;
    if (!any_went || !(s->enabled & IMAP_QRESYNC))
        return imap_reply_ok(c, NULL, text);
    enum err e = imap_view_refresh(s->view, &f);
    if (e != ERR_OK)
        return imap_reply_err(c, e, &f);
    char *code = arena_alloc(c->arena, IMAP_CONDSTORE_CODE_BYTES);
    snprintf(code, IMAP_CONDSTORE_CODE_BYTES, "HIGHESTMODSEQ %" PRIu64, s->view->modseq);
    return imap_reply_ok(c, code, text);
}
