#pragma once /* smtpd/smtp_reply.h: what the server says */
#include "common/fault.h"
#include "smtpd/smtp_session.h"

/* RFC 5321 §4.2 and RFC 3463. */
struct smtp_say {
    int code;
    const char *enhanced; /* NULL: none (greeting, 334, 354) */
    const char *text;
};

/* Sends the line. 5xx counts as an error of the session; 4xx and 5xx are logged as smtp.refused. Returns STEP_DONE. */
enum step smtp_reply(struct smtp_session *s, int code, const char *enhanced, const char *text);
enum step smtp_reply_say(struct smtp_session *s, const struct smtp_say *say);
/* The first lines of a longer reply: "250-text". */
void smtp_reply_more(struct smtp_session *s, int code, const char *text);

/* From a kind of error to the reply. */
enum smtp_reply_to { SMTP_REPLY_RCPT, SMTP_REPLY_BODY, SMTP_REPLY_AUTH, SMTP_REPLY_COUNT };
const struct smtp_say *smtp_reply_for(enum err e, enum smtp_reply_to to);
