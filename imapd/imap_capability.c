#include "imapd/imap_capability.h"

#include "imapd/imap_condstore.h"
#include "imapd/imap_login.h"
#include "imapd/imap_misc.h"
#include "imapd/imap_notify.h"
#include "imapd/imap_parse.h"
#include "imapd/imap_session.h"
#include "imapd/imap_verbs.h"

/* Room: CAPABILITY and ENABLE, RFC 9051 §6.1.1 and §6.3.1. */

/* In the greeting and before authentication, after it, or both. */
enum imap_capability_when { BEFORE = 1, AFTER = 2, ALWAYS = 3 };

struct imap_capability {
    const char *name;
    enum imap_capability_when when;
    bool (*offered)(const struct imap_session *s); /* NULL: by everybody */
    /* NULL, or writes what follows the name, as in "APPENDLIMIT=52428800" */
    void (*value)(const struct imap_session *s, struct buf *out);
    unsigned enable;  /* ENABLE sets these bits of enum imap_enabled; 0: it need not be enabled */
    unsigned implied; /* and these with it, without a word */
};

static bool has_starttls(const struct imap_session *s)
{
    return s->options->tls && !conn_is_tls(s->conn);
}

static bool has_no_login(const struct imap_session *s)
{
    return !imap_misc_may_login(s);
}

static bool has_no_compression(const struct imap_session *s)
{
    return !conn_is_compressed(s->conn);
}

static bool has_unauthenticate(const struct imap_session *s)
{
    return s->options->limits.unauthenticate;
}

static void message_bytes(const struct imap_session *s, struct buf *out)
{
    buf_addf(out, "%zu", s->options->limits.message_bytes);
}

static bool has_message_limit(const struct imap_session *s)
{
    return s->options->limits.message_count > 0;
}

static void message_limit(const struct imap_session *s, struct buf *out)
{
    buf_u64(out, s->options->limits.message_count);
}

/* The other one says it already: RFC 9738 §3 */
static bool has_save_limit(const struct imap_session *s)
{
    return s->options->limits.save_count > 0 && !has_message_limit(s);
}

static void save_limit(const struct imap_session *s, struct buf *out)
{
    buf_u64(out, s->options->limits.save_count);
}

/* clang-format off */
static const struct imap_capability imap_capability_table[] = {
    /* name               when     offered to      value       enable, implied */
    {"IMAP4rev1",          ALWAYS, NULL,                NULL, 0, 0},
    {"IMAP4rev2",          ALWAYS, NULL,                NULL, IMAP_REV2, 0},
    {"LITERAL-",           BEFORE, NULL,                NULL, 0, 0},
    {"LITERAL+",           AFTER,  NULL,                NULL, 0, 0},
    {"SASL-IR",            ALWAYS, NULL,                NULL, 0, 0},
    {"ID",                 ALWAYS, NULL,                NULL, 0, 0},
    {"ENABLE",             ALWAYS, NULL,                NULL, 0, 0},
    {"STARTTLS",           BEFORE, has_starttls,        NULL, 0, 0},
    {"LOGINDISABLED",      BEFORE, has_no_login,        NULL, 0, 0},
    {"AUTH=",              BEFORE, imap_login_offers,   imap_login_mechanisms, 0, 0},
    {"IDLE",               AFTER,  NULL,                NULL, 0, 0},
    {"NOTIFY",             AFTER,  NULL,                NULL, 0, 0},
    {"NAMESPACE",          AFTER,  NULL,                NULL, 0, 0},
    {"CHILDREN",           AFTER,  NULL,                NULL, 0, 0},
    {"UIDPLUS",            AFTER,  NULL,                NULL, 0, 0},
    {"UNSELECT",           AFTER,  NULL,                NULL, 0, 0},
    {"MOVE",               AFTER,  NULL,                NULL, 0, 0},
    {"ESEARCH",            AFTER,  NULL,                NULL, 0, 0},
    {"SEARCHRES",          AFTER,  NULL,                NULL, 0, 0},
    {"WITHIN",             AFTER,  NULL,                NULL, 0, 0},
    {"PARTIAL",            AFTER,  NULL,                NULL, 0, 0},
    {"MULTISEARCH",        AFTER,  NULL,                NULL, 0, 0},
    {"SEARCH=FUZZY",       AFTER,  NULL,                NULL, 0, 0},
    {"SORT",                AFTER,  NULL,                NULL, 0, 0},
    {"SORT=DISPLAY",        AFTER,  NULL,                NULL, 0, 0},
    {"ESORT",               AFTER,  NULL,                NULL, 0, 0},
    {"THREAD=ORDEREDSUBJECT", AFTER,  NULL,                NULL, 0, 0},
    {"THREAD=REFERENCES",   AFTER,  NULL,                NULL, 0, 0},
    {"THREAD=REFS",         AFTER,  NULL,                NULL, 0, 0},
    {"CONTEXT=SEARCH",      AFTER,  NULL,                NULL, 0, 0},
    {"CONTEXT=SORT",        AFTER,  NULL,                NULL, 0, 0},
    {"I18NLEVEL=2",         AFTER,  NULL,                NULL, 0, 0},
    {"LANGUAGE",           ALWAYS, NULL,                NULL, 0, 0},
    {"BINARY",             AFTER,  NULL,                NULL, 0, 0},
    {"CONDSTORE",          AFTER,  NULL,                NULL, IMAP_CONDSTORE, 0},
    {"QRESYNC",            AFTER,  NULL,                NULL, IMAP_QRESYNC, IMAP_CONDSTORE},
    {"UIDONLY",            AFTER,  NULL,                NULL, IMAP_UIDONLY, 0},
    {"UIDBATCHES",         AFTER,  NULL,                NULL, 0, 0},
    {"OBJECTID",           AFTER,  NULL,                NULL, 0, 0},
    {"SAVEDATE",           AFTER,  NULL,                NULL, 0, 0},
    {"PREVIEW",            AFTER,  NULL,                NULL, 0, 0},
    {"INPROGRESS",         AFTER,  NULL,                NULL, 0, 0},
    {"MESSAGELIMIT=",      AFTER,  has_message_limit,   message_limit, 0, 0},
    {"SAVELIMIT=",         AFTER,  has_save_limit,      save_limit, 0, 0},
    {"LIST-EXTENDED",      AFTER,  NULL,                NULL, 0, 0},
    {"LIST-STATUS",        AFTER,  NULL,                NULL, 0, 0},
    {"LIST-MYRIGHTS",      AFTER,  NULL,                NULL, 0, 0},
    {"LIST-METADATA",      AFTER,  NULL,                NULL, 0, 0},
    {"ACL",                AFTER,  NULL,                NULL, 0, 0},
    {"RIGHTS=kxte",        AFTER,  NULL,                NULL, 0, 0},
    {"STATUS=SIZE",        AFTER,  NULL,                NULL, 0, 0},
    {"SPECIAL-USE",        AFTER,  NULL,                NULL, 0, 0},
    {"CREATE-SPECIAL-USE", AFTER,  NULL,                NULL, 0, 0},
    {"MULTIAPPEND",        AFTER,  NULL,                NULL, 0, 0},
    {"CATENATE",           AFTER,  NULL,                NULL, 0, 0},
    {"REPLACE",            AFTER,  NULL,                NULL, 0, 0},
    {"UTF8=ACCEPT",        AFTER,  NULL,                NULL, IMAP_UTF8, 0},
    {"COMPRESS=DEFLATE",   AFTER,  has_no_compression,  NULL, 0, 0},
    {"UNAUTHENTICATE",     AFTER,  has_unauthenticate,  NULL, 0, 0},
    {"QUOTA",              AFTER,  NULL,                NULL, 0, 0},
    {"QUOTASET",           AFTER,  NULL,                NULL, 0, 0},
    {"QUOTA=RES-STORAGE",  AFTER,  NULL,                NULL, 0, 0},
    {"QUOTA=RES-MESSAGE",  AFTER,  NULL,                NULL, 0, 0},
    {"QUOTA=RES-MAILBOX",  AFTER,  NULL,                NULL, 0, 0},
    {"METADATA",           AFTER,  NULL,                NULL, IMAP_METADATA, IMAP_METADATA_SERVER},
    {"METADATA-SERVER",    AFTER,  NULL,                NULL, IMAP_METADATA_SERVER, 0},
    {"APPENDLIMIT=",       AFTER,  NULL,                message_bytes, 0, 0},
};
/* clang-format on */

#define IMAP_CAPABILITY_COUNT (sizeof imap_capability_table / sizeof *imap_capability_table)

const char *imap_capability_text(struct imap_session *s)
{
    unsigned now = s->state == IMAP_NONAUTH ? BEFORE : AFTER;
    struct buf text;
    buf_init(&text, 8192);
    buf_addz(&text, "CAPABILITY");
    for (size_t i = 0; i < IMAP_CAPABILITY_COUNT; i++) {
        const struct imap_capability *c = &imap_capability_table[i];
        if (!(c->when & now) || (c->offered && !c->offered(s)))
            continue;
        buf_addf(&text, " %s", c->name);
        if (c->value)
            c->value(s, &text);
    }
    const char *all = arena_cstr(s->cmd.arena, buf_span(&text));
    buf_fini(&text);
    return all;
}

enum step imap_capability_tell(struct imap_cmd *c)
{
    imap_outf(c->session, "* %s\r\n", imap_capability_text(c->session));
    return imap_reply_ok(c, NULL, "Capability completed");
}

static const struct imap_capability *imap_capability_enables(struct span word)
{
    for (size_t i = 0; i < IMAP_CAPABILITY_COUNT; i++) {
        const struct imap_capability *c = &imap_capability_table[i];
        if (c->enable && span_eq_ci(word, span_cstr(c->name)))
            return c;
    }
    return NULL;
}

/* enable = "ENABLE" 1*(SP capability)    RFC 9051 §6.3.1. What is not known is passed over. */
enum step imap_capability_enable(struct imap_cmd *c)
{
    struct imap_session *s = c->session;
    struct scan *in = &c->args;
    unsigned told = 0, wanted = 0;
    do {
        const struct imap_capability *known = imap_capability_enables(imap_parse_atom(in));
        if (known) {
            told |= known->enable;
            wanted |= known->enable | known->implied;
        }
    } while (scan_try(in, ' '));
    scan_end(in, "Expected capability names");
    if (!scan_ok(in))
        return imap_reply_bad(c, in->why);
    imap_out(s, SPAN("* ENABLED"));
    for (size_t i = 0; i < IMAP_CAPABILITY_COUNT; i++) {
        if (imap_capability_table[i].enable & told)
            imap_outf(s, " %s", imap_capability_table[i].name);
    }
    imap_out(s, SPAN("\r\n"));
    if (wanted & IMAP_CONDSTORE)
        imap_condstore_on(s);
    s->enabled |= wanted;
    if (wanted & (IMAP_METADATA | IMAP_METADATA_SERVER))
        imap_notify_metadata(s);
    return imap_reply_ok(c, NULL, "Enabled");
}
