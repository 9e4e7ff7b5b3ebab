#include "message/nfc.h"
#include "common/utf8.h"

#include <utf8proc.h>

static bool map(struct arena *a, struct span text, utf8proc_option_t how, struct span *out)
{
    const utf8proc_uint8_t *in = (const utf8proc_uint8_t *)text.p;
    utf8proc_ssize_t n = utf8proc_decompose(in, (utf8proc_ssize_t)text.n, NULL, 0, how);
    if (n < 0)
        return false;
    utf8proc_int32_t *to = arena_alloc(a, ((size_t)n + 1) * sizeof *to); /* one for a NUL */
    n = utf8proc_decompose(in, (utf8proc_ssize_t)text.n, to, n, how);
    if (n >= 0)
        n = utf8proc_reencode(to, n, how);
    *out = span_of(to, n < 0 ? 0 : (size_t)n);
    return n >= 0;
}

struct span nfc_normal(struct arena *a, struct span text)
{
    struct span out;
    if (utf8_ascii(text) || !map(a, text, UTF8PROC_STABLE | UTF8PROC_COMPOSE, &out) ||
        span_eq(out, text))
        return text;
    return out;
}

bool nfc_folded(struct arena *a, struct span text, struct span *out)
{
    return map(a, text, UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD, out);
}
