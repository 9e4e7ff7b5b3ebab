#include "common/clock.h"
#include "common/scan.h"
#include "common/utf8.h"
#include "smtpd/smtp_reply.h"
#include "smtpd/smtp_verbs.h"

struct smtp_mail {
    struct address from;
    bool utf8;
    uint64_t bytes; /* SIZE; 0: not said */
};

/* The delivery takes bytes again. */
static void smtp_mail_ready(void *arg)
{
    struct smtp_session *s = arg;
    if (s->conn)
        conn_resume(s->conn);
}

static bool smtp_mail_keyword_byte(unsigned char c)
{
    c = span_lower(c);
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

static bool smtp_mail_value_byte(unsigned char c)
{
    return c > ' ' && c != '=' && c != 0x7f;
}

/* One parameter; NULL: taken. */
static const struct smtp_say *smtp_mail_param(struct smtp_mail *m, struct span keyword,
                                              struct span value)
{
    static const struct smtp_say bad_size = {501, "5.5.4", "SIZE is a number"},
                                 bad_body = {501, "5.5.4", "BODY is 7BIT or 8BITMIME"},
                                 unknown = {555, "5.5.4", "no such parameter"};
    if (span_eq_ci(keyword, SPAN("SIZE")))
        return span_u64(value, &m->bytes) ? NULL : &bad_size;
    if (span_eq_ci(keyword, SPAN("BODY")))
        return span_eq_ci(value, SPAN("7BIT")) || span_eq_ci(value, SPAN("8BITMIME")) ? NULL
                                                                                      : &bad_body;
    if (span_eq_ci(keyword, SPAN("SMTPUTF8")) && value.n == 0) {
        m->utf8 = true;
        return NULL;
    }
    if (span_eq_ci(keyword, SPAN("AUTH")) && value.n > 0) /* taken as AUTH=<>, RFC 4954 §5 */
        return NULL;
    return &unknown;
}

/* Mail-parameters = esmtp-param *(SP esmtp-param)    esmtp-param = esmtp-keyword ["=" esmtp-value]    RFC 5321 §4.1.2 */
static const struct smtp_say *smtp_mail_params(struct smtp_mail *m, struct scan *sc)
{
    static const struct smtp_say broken = {501, "5.5.4",
                                           "parameters are NAME=VALUE, with spaces between them"};
    while (!scan_done(sc)) {
        if (!scan_try(sc, ' '))
            return &broken;
        while (scan_try(sc, ' '))
            ;
        struct span keyword = scan_while(sc, smtp_mail_keyword_byte), value = {"", 0};
        bool equals = scan_try(sc, '=');
        if (equals)
            value = scan_while(sc, smtp_mail_value_byte);
        if (keyword.n == 0 || (equals && value.n == 0))
            return &broken;
        const struct smtp_say *say = smtp_mail_param(m, keyword, value);
        if (say)
            return say;
    }
    return NULL;
}

static const struct smtp_say *smtp_mail_refusal(const struct smtp_session *s,
                                                const struct smtp_mail *m)
{
    static const struct smtp_say needs_utf8 = {553, "5.6.7", "such an address needs SMTPUTF8"};
    if (!m->utf8 && !(utf8_ascii(m->from.local) && utf8_ascii(m->from.domain)))
        return &needs_utf8;
    if (m->bytes > route_options(s->o->route)->message_bytes)
        return smtp_reply_for(ERR_LIMIT, SMTP_REPLY_BODY);
    if (route_is_low(s->o->route))
        return smtp_reply_for(ERR_FULL, SMTP_REPLY_BODY);
    return NULL;
}

/* mail = "MAIL FROM:" Reverse-path [SP Mail-parameters]    RFC 5321 §4.1.1.2 */
enum step smtp_mail(struct smtp_session *s, struct span args)
{
    struct scan sc = scan_of(args);
    struct smtp_mail m = {0};
    s->about = args;
    if (!scan_try_word(&sc, SPAN("FROM:")))
        return smtp_reply(s, 501, "5.5.4", "MAIL FROM:<address>");
    while (scan_try(&sc, ' ')) /* Outlook */
        ;
    m.from = address_path(&sc, s->seat->scratch, true, true);
    if (!scan_ok(&sc))
        return smtp_reply(s, 501, "5.1.7", sc.why);
    const struct smtp_say *say = smtp_mail_params(&m, &sc);
    if (!say)
        say = smtp_mail_refusal(s, &m);
    if (say)
        return smtp_reply_say(s, say);
    struct actor actor = {.kind = ACTOR_SMTP, .account = s->account, .session = s->id};
    s->mail.arena = arena_new();
    s->mail.id = id_new();
    s->mail.began_ms = clock_ms();
    s->mail.utf8 = m.utf8;
    s->mail.delivery =
        delivery_begin(s->o->route, s->seat->loop, m.from, &actor, smtp_mail_ready, s);
    smtp_session_enter(s, SMTP_MAIL);
    return smtp_reply(s, 250, "2.1.0", "ok");
}
