#include "message/fold.h"
#include "common/utf8.h"

#include <utf8proc.h>

#define BLOCK_BYTES 1024 /* output on its way to the buffer */
#define CHARS_MAX 32     /* the longest decomposition in Unicode has 18 characters */
/* Two bytes of input become at most eight of output, three at most 33 (U+FDFA). */
#define GROWTH 11

/* ASCII letters have a titlecase, and nothing in ASCII decomposes. */
static char fold_ascii(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
}

/* Adds the character that in begins with to the n_out bytes at out, titlecased and then decomposed
 * in full: RFC 5051 §2, step 2. Returns how many bytes of in that took; what is not UTF-8
 * becomes U+FFFD. */
static size_t fold_char(struct span in, char *out, size_t *n_out)
{
    utf8proc_int32_t chars[CHARS_MAX];
    int boundary = 0;
    uint32_t cp = 0;
    size_t took = utf8_next(in, &cp);
    if (took == 0) {
        cp = 0xfffd;
        took = 1;
    }
    utf8proc_int32_t title = utf8proc_totitle((utf8proc_int32_t)cp);
    utf8proc_ssize_t n = utf8proc_decompose_char(title, chars, CHARS_MAX,
                                                 UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT, &boundary);
    if (n < 1 || n > CHARS_MAX) {
        chars[0] = title;
        n = 1;
    }
    for (utf8proc_ssize_t i = 0; i < n; i++)
        *n_out += utf8_put((uint32_t)chars[i], out + *n_out);
    return took;
}

bool fold_text(struct span in, struct buf *out)
{
    char block[BLOCK_BYTES];
    size_t i = 0;
    while (i < in.n) {
        size_t n = 0;
        while (i < in.n && n + 4 * CHARS_MAX <= sizeof block) {
            if ((unsigned char)in.p[i] < 0x80)
                block[n++] = fold_ascii(in.p[i++]);
            else
                i += fold_char(span_from(in, i), block, &n);
        }
        if (!buf_add(out, span_of(block, n)))
            return false;
    }
    return true;
}

struct span fold_key(struct arena *a, struct span utf8)
{
    struct buf out;
    buf_init(&out, utf8.n * GROWTH + 1);
    fold_text(utf8, &out);
    struct span key = arena_keep(a, buf_span(&out));
    buf_fini(&out);
    return key;
}

bool fold_find(struct span folded_text, struct span folded_key)
{
    return span_find_span(folded_text, folded_key) < folded_text.n || folded_key.n == 0;
}
