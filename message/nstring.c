#include "message/nstring.h"

#define QUOTED_BYTES                                                                               \
    1000 /* longer ones are literals: some clients read quoted strings into small buffers */

/* Bytes that need a backslash in *escapes; false: quotes cannot hold s. */
static bool fits_quotes(struct span s, size_t *escapes)
{
    *escapes = 0;
    if (s.n > QUOTED_BYTES)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c < ' ' && c != '\t') || c >= 127)
            return false;
        *escapes += c == '"' || c == '\\';
    }
    return true;
}

static bool put_quoted(struct buf *out, struct span s, size_t escapes)
{
    size_t n = s.n + escapes + 2;
    char *p = buf_room(out, n);
    if (!p)
        return false;
    *p++ = '"';
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"' || s.p[i] == '\\')
            *p++ = '\\';
        *p++ = s.p[i];
    }
    *p = '"';
    buf_grew(out, n);
    return true;
}

bool nstring_put(struct buf *out, struct span s)
{
    size_t escapes;
    if (!s.p)
        return buf_add(out, SPAN("NIL"));
    if (fits_quotes(s, &escapes))
        return put_quoted(out, s, escapes);
    if (!buf_addf(out, "{%zu}\r\n", s.n))
        return false;
    char *p = buf_room(out, s.n);
    if (!p)
        return false;
    for (size_t i = 0; i < s.n; i++)
        p[i] = s.p[i] == '\0' ? '?' : s.p[i];
    buf_grew(out, s.n);
    return true;
}
