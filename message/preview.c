#include "message/preview.h"
#include "common/utf8.h"

#define SLICE_BYTES 256 /* that are looked at at once: most previews need no second slice */
#define GROWTH 4        /* bytes of UTF-8 that one byte of any charset can become, generously */
#define SLICE_UTF8_BYTES (GROWTH * (SLICE_BYTES + 128))

void preview_init(struct preview *p)
{
    *p = (struct preview){.in_part = false};
    buf_init(&p->decoded, 2 * SLICE_BYTES);
    buf_init(&p->utf8, SLICE_UTF8_BYTES);
    buf_init(&p->plain, 3 * SLICE_UTF8_BYTES);
}

void preview_fini(struct preview *p)
{
    charset_free(&p->charset);
    buf_fini(&p->decoded);
    buf_fini(&p->utf8);
    buf_fini(&p->plain);
}

static bool is_full(const struct preview_line *l)
{
    return l->chars >= PREVIEW_CHARS;
}

bool preview_wants(const struct preview *p)
{
    return p->text.chars == 0;
}

/* --- words ------------------------------------------------------------------------------------------------------- */

/* Control characters and all that is as white as a space. */
static bool is_space(uint32_t cp)
{
    return cp <= ' ' || (cp >= 0x7f && cp <= 0xa0) || (cp >= 0x2000 && cp <= 0x200a) ||
           cp == 0x2028 || cp == 0x2029 || cp == 0x202f || cp == 0x205f || cp == 0x3000;
}

/* Characters without any width, with which newsletters fill what a preview would show. */
static bool is_nothing(const struct preview_line *l, uint32_t cp)
{
    if (cp == 0x200c || cp == 0x200d) /* joiners mean something inside a word */
        return l->space || l->n == 0;
    return cp == 0xad || cp == 0x34f || cp == 0x200b || cp == 0x200e || cp == 0x200f ||
           cp == 0x2060 || cp == 0xfeff;
}

static void add(struct preview_line *l, uint32_t cp, struct span bytes)
{
    if (is_space(cp)) {
        l->space = l->n > 0;
        return;
    }
    if (is_nothing(l, cp))
        return;
    if (l->chars + l->space >= PREVIEW_CHARS) {
        l->chars = PREVIEW_CHARS;
        return;
    }
    if (l->space) {
        l->text[l->n++] = ' ';
        l->chars++;
        l->space = false;
    }
    memcpy(l->text + l->n, bytes.p, bytes.n);
    l->n += bytes.n;
    l->chars++;
}

/* Lines that begin with ">" are someone else's words. */
static void add_plain(struct preview *p, struct span utf8)
{
    while (utf8.n > 0 && !is_full(&p->text)) {
        uint32_t cp = 0xfffd;
        size_t n = utf8_next(utf8, &cp);
        n = n ? n : 1;
        if (!p->line_begun)
            p->line_quoted = cp == '>';
        p->line_begun = cp != '\n';
        add(p->line_quoted ? &p->quoted : &p->text, cp, span_to(utf8, n));
        utf8 = span_from(utf8, n);
    }
}

/* --- a part ------------------------------------------------------------------------------------------------------ */

void preview_begin(struct preview *p, enum encode_kind encoding, struct span charset, bool html)
{
    p->in_part = true;
    p->html = html;
    p->left_bytes = PREVIEW_PART_BYTES;
    p->decoder = ENCODE_DECODER(encoding);
    p->markup = (struct html_text){0};
    p->line_begun = p->line_quoted = false;
    p->quoted.n = p->quoted.chars = 0;
    p->quoted.space = false;
    charset_free(&p->charset);
    p->charset = charset_new(charset);
    if (!p->charset)
        p->charset = charset_new(SPAN("utf-8"));
}

/* Whether there is nothing more to learn from the part. */
static bool is_done(const struct preview *p)
{
    return !p->in_part || p->left_bytes == 0 || is_full(&p->text);
}

static void feed_slice(struct preview *p, struct span raw, bool last)
{
    buf_reset(&p->decoded);
    buf_reset(&p->utf8);
    buf_reset(&p->plain);
    (void)encode_decode(&p->decoder, raw, last, &p->decoded);
    (void)charset_convert(p->charset, buf_span(&p->decoded), last, &p->utf8);
    if (p->html)
        (void)html_text(&p->markup, buf_span(&p->utf8), &p->plain);
    add_plain(p, buf_span(p->html ? &p->plain : &p->utf8));
}

void preview_feed(struct preview *p, struct span piece)
{
    while (piece.n > 0 && !is_done(p)) {
        struct span slice = span_to(span_to(piece, SLICE_BYTES), p->left_bytes);
        feed_slice(p, slice, false);
        p->left_bytes -= slice.n;
        piece = span_from(piece, slice.n);
    }
}

void preview_end(struct preview *p)
{
    if (!p->in_part)
        return;
    if (!is_full(&p->text))
        feed_slice(p, SPAN(""), true);
    if (p->text.chars == 0)
        p->text = p->quoted;
    p->in_part = false;
    charset_free(&p->charset);
}

struct span preview_text(const struct preview *p)
{
    return span_of(p->text.text, p->text.n);
}
