#include "imapd/imap_reply.h"

#include "common/log.h"
#include "common/must.h"
#include "imapd/imap_language.h"
#include "imapd/imap_notify.h"
#include "imapd/imap_session.h"
#include "imapd/imap_verbs.h"

/* clang-format off */
static const struct {
    const char *code; /* RFC 5530 §3, RFC 9051 §7.1; RFC 9208 §4.3.1 for OVERQUOTA */
    const char *text;
    bool ours;        /* we could not do our job: the log has the text */
} imap_reply_table[] = {
    [ERR_OK]       = {NULL,            "Done", false},
    [ERR_NOTFOUND] = {"NONEXISTENT",   "There is no such mailbox or message", false},
    [ERR_EXISTS]   = {"ALREADYEXISTS", "It exists already", false},
    [ERR_DENIED]   = {"NOPERM",        "You have no right to do that", false},
    [ERR_INVALID]  = {"CANNOT",        "This name or value is not possible here", false},
    [ERR_LIMIT]    = {"LIMIT",         "A limit of this server is reached", false},
    [ERR_QUOTA]    = {"OVERQUOTA",     "There is no room left in this account", false},
    [ERR_FULL]     = {"UNAVAILABLE",   "The disk of the server is full, try again later", true},
    [ERR_BUSY]     = {"UNAVAILABLE",   "The server is busy or stopping, try again later", false},
    [ERR_IO]       = {"SERVERBUG",     "The server failed, its log says why", true},
    [ERR_CORRUPT]  = {"CORRUPTION",    "What is stored is damaged, the log says where", true},
};
/* clang-format on */
_Static_assert(sizeof imap_reply_table / sizeof *imap_reply_table == ERR_COUNT,
               "a kind of error has no IMAP reply");

void imap_reply_words(enum err e, const char **code_out, const char **text_out)
{
    *code_out = imap_reply_table[e].code;
    *text_out = imap_reply_table[e].text;
}

static enum step imap_reply(struct imap_cmd *c, const char *kind, const char *code,
                            const char *text)
{
    struct imap_session *s = c->session;
    text = imap_language_text(s, text);
    imap_out(s, c->tag);
    if (code)
        imap_out_f(s, " %s [%s] %s\r\n", kind, code, text);
    else
        imap_out_f(s, " %s %s\r\n", kind, text);
    return STEP_DONE;
}

/* Large news go out over several turns, all of them before the reply: what a client has heard by
 * then it may take for complete. */
static enum step imap_reply_rest(struct imap_cmd *c)
{
    struct imap_view *v = c->session->view;
    if (v && !imap_view_news_more(v, c->uid))
        return STEP_MORE;
    if (v)
        imap_view_settle(v);
    return imap_reply(c, c->reply.kind, c->reply.code, c->reply.text);
}

/* EXPUNGE may come with every tagged reply but those of FETCH, STORE and SEARCH by sequence
 * number: RFC 9051 §7.5.1 */
static enum step imap_reply_with_news(struct imap_cmd *c, const char *kind, const char *code,
                                      const char *text)
{
    struct imap_view *v = c->session->view;
    imap_notify_reply(c->session);
    bool numbers = c->verb && (c->verb->flags & VERB_NO_EXPUNGE) && !c->uid;
    if (!v || imap_view_news(v, !numbers, c->uid)) {
        if (v)
            imap_view_settle(v);
        return imap_reply(c, kind, code, text);
    }
    c->reply.kind = kind;
    c->reply.code = code;
    c->reply.text = text;
    c->more = imap_reply_rest;
    return STEP_MORE;
}

enum step imap_reply_ok(struct imap_cmd *c, const char *code, const char *text)
{
    if (c->session->state != IMAP_NONAUTH)
        c->session->bad = 0;
    return imap_reply_with_news(c, "OK", code, text);
}

enum step imap_reply_no(struct imap_cmd *c, const char *code, const char *text)
{
    return imap_reply_with_news(c, "NO", code, text);
}

enum step imap_reply_bad(struct imap_cmd *c, const char *why)
{
    log_event(LOG_DEBUG, c->session->id.text, "imap.bad", "verb=%s why=\"%s\"",
              c->verb ? c->verb->name : "-", why ? why : "invalid arguments");
    imap_reply(c, "BAD", NULL, why ? why : "Invalid arguments");
    imap_session_bad(c->session);
    return STEP_DONE;
}

enum step imap_reply_err(struct imap_cmd *c, enum err e, const struct fault *f)
{
    must(e != ERR_OK && e < ERR_COUNT);
    if (imap_reply_table[e].ours)
        log_event(LOG_ERROR, c->session->id.text, "imap.failed", "verb=%s error=%s text=\"%s\"",
                  c->verb ? c->verb->name : "-", fault_name(e),
                  f ? LOG_SPAN(span_cstr(f->text)) : "");
    return imap_reply_no(c, imap_reply_table[e].code, imap_reply_table[e].text);
}

void imap_reply_bye(struct imap_session *s, const char *text)
{
    if (s->closing)
        return;
    imap_out_f(s, "* BYE %s\r\n", imap_language_text(s, text));
    s->closing = true;
    s->bye = text;
    if (!s->running && s->conn)
        conn_close(s->conn);
}
