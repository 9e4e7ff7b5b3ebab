#pragma once /* smtpd/smtp_dots.h: message text as SMTP sends it: lines, dots and the end, RFC 5321 §4.5.2 */
#include "common/span.h"

/* A line ends in CRLF and in nothing else; the end of the data is CRLF "." CRLF and nothing else (the first CRLF may be the
 * one of the DATA command). Anything that another server could take for a line end is noted, so that the message can
 * be refused: a bare CR or LF (SMTP smuggling), a NUL. */
enum smtp_dots_at {
    SMTP_DOTS_LINE, /* at the start of a line */
    SMTP_DOTS_TEXT,
    SMTP_DOTS_CR,
    SMTP_DOTS_DOT, /* after a dot that began a line */
    SMTP_DOTS_DOT_CR,
    SMTP_DOTS_END
};

struct smtp_dots {
    enum smtp_dots_at at;
    bool stuffed; /* DATA; without it (BDAT) a dot is a dot and the length says where the end is */
    bool bare;    /* a bare CR or LF was there */
    bool nul;
};
#define SMTP_DOTS_DATA ((struct smtp_dots){.stuffed = true})
#define SMTP_DOTS_BDAT ((struct smtp_dots){.stuffed = false})

/* Eats the beginning of in (not empty) and returns how much, at least 1; *text is the message text in it, part of in, without stuffed
 * dots; it may be empty. Call until all is eaten or at is SMTP_DOTS_END. */
size_t smtp_dots_take(struct smtp_dots *d, struct span in, struct span *text);
/* BDAT: the message is over. */
void smtp_dots_finish(struct smtp_dots *d);
