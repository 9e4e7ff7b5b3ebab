#include "smtpd/smtp_dots.h"

/* The bytes of a line's start that are not text: a stuffed dot, or the end. Returns how many of them there are, 0 or 1. */
static size_t smtp_dots_edge(struct smtp_dots *d, char c)
{
    switch (d->at) {
    case SMTP_DOTS_LINE:
        if (!d->stuffed || c != '.')
            return 0;
        d->at = SMTP_DOTS_DOT;
        return 1;
    case SMTP_DOTS_DOT:
        d->at = c == '\r' ? SMTP_DOTS_DOT_CR : SMTP_DOTS_TEXT;
        return c == '\r';
    case SMTP_DOTS_DOT_CR:
        d->at = c == '\n' ? SMTP_DOTS_END
                          : SMTP_DOTS_CR; /* the CR was bare, and text: CR says so next */
        return c == '\n';
    case SMTP_DOTS_TEXT:
    case SMTP_DOTS_CR:
    case SMTP_DOTS_END:
        break;
    }
    return 0;
}

/* From the middle of a line to behind its CR, or to the end of in. */
static size_t smtp_dots_text(struct smtp_dots *d, struct span in)
{
    size_t n = span_find(in, '\r');
    if (n > 0 && memchr(in.p, '\n', n))
        d->bare = true;
    d->at = n < in.n ? SMTP_DOTS_CR : SMTP_DOTS_TEXT;
    return n < in.n ? n + 1 : n;
}

size_t smtp_dots_take(struct smtp_dots *d, struct span in, struct span *text)
{
    size_t i = smtp_dots_edge(d, in.p[0]);
    *text = span_to(in, 0);
    if (i > 0 || d->at == SMTP_DOTS_END)
        return 1;
    while (i < in.n) {
        if (d->at != SMTP_DOTS_CR) {
            i += smtp_dots_text(d, span_from(in, i));
            continue;
        }
        if (in.p[i] != '\n') {
            d->bare = true;
            d->at = SMTP_DOTS_TEXT;
            continue;
        }
        d->at = SMTP_DOTS_LINE;
        i++;
        if (d->stuffed && i < in.n && in.p[i] == '.')
            break;
    }
    *text = span_to(in, i);
    if (memchr(in.p, '\0', i))
        d->nul = true;
    return i;
}

void smtp_dots_finish(struct smtp_dots *d)
{
    if (d->at == SMTP_DOTS_CR)
        d->bare = true;
    d->at = SMTP_DOTS_END;
}
