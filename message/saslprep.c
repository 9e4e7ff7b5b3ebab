#include "message/saslprep.h"

#include "common/utf8.h"

#include <utf8proc.h>

/* Non-ASCII spaces to one: RFC 4013 §2.1. Called for each character before it is decomposed. */
static utf8proc_int32_t space(utf8proc_int32_t c, void *arg)
{
    (void)arg; /* utf8proc wants it */
    return utf8proc_category(c) == UTF8PROC_CATEGORY_ZS ? ' ' : c;
}

static bool no_controls(struct span text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c < 0x20 || c == 0x7f)
            return false;
    }
    return true;
}

bool saslprep(struct arena *a, struct span text, struct span *out)
{
    const utf8proc_option_t how =
        UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_IGNORE | UTF8PROC_REJECTNA;
    const utf8proc_uint8_t *in = (const utf8proc_uint8_t *)text.p;
    *out = text;
    if (!no_controls(text))
        return false;
    if (utf8_ascii(text))
        return true;
    utf8proc_ssize_t n =
        utf8proc_decompose_custom(in, (utf8proc_ssize_t)text.n, NULL, 0, how, space, NULL);
    if (n < 0)
        return false;
    utf8proc_int32_t *to = arena_alloc(a, ((size_t)n + 1) * sizeof *to); /* one for a NUL */
    n = utf8proc_decompose_custom(in, (utf8proc_ssize_t)text.n, to, n, how, space, NULL);
    n = n < 0 ? n : utf8proc_reencode(to, n, how);
    *out = span_of(to, n < 0 ? 0 : (size_t)n);
    return n >= 0;
}
