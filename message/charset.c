#include "message/charset.h"
#include "common/mem.h"
#include "common/utf8.h"

#include <errno.h>
#include <iconv.h>

#define BLOCK_BYTES 4096 /* output on its way to the buffer */
#define HELD_BYTES 16    /* no charset has a longer character or escape sequence */

enum charset_way { WAY_UTF8, WAY_WINDOWS_1252, WAY_ICONV };

struct charset_row {
    const char *labels; /* lower case, with a space after each */
    const char *name;   /* for iconv */
    enum charset_way way;
    unsigned unit_bytes; /* what to skip when a unit makes no sense */
};

/* The labels of the WHATWG encoding standard and what else mail is known to say. Only what stands
 * here is ever opened, so the charsets of iconv that never met hostile bytes stay shut. */
/* clang-format off */
static const struct charset_row rows[] = {
    {"utf-8 utf8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8 ",
     NULL, WAY_UTF8, 1},
    {"us-ascii iso-8859-1 windows-1252 ascii ansi_x3.4-1968 iso646-us latin1 latin-1 l1 "
     "iso8859-1 iso88591 iso_8859-1 iso_8859-1:1987 iso-ir-100 csisolatin1 ibm819 cp819 "
     "cp1252 x-cp1252 ", NULL, WAY_WINDOWS_1252, 1},
    {"iso-8859-2 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987 iso-ir-101 csisolatin2 l2 "
     "latin2 ", "ISO-8859-2", WAY_ICONV, 1},
    {"iso-8859-3 iso8859-3 iso88593 iso_8859-3 iso_8859-3:1988 iso-ir-109 csisolatin3 l3 "
     "latin3 ", "ISO-8859-3", WAY_ICONV, 1},
    {"iso-8859-4 iso8859-4 iso88594 iso_8859-4 iso_8859-4:1988 iso-ir-110 csisolatin4 l4 "
     "latin4 ", "ISO-8859-4", WAY_ICONV, 1},
    {"iso-8859-5 iso8859-5 iso88595 iso_8859-5 iso_8859-5:1988 iso-ir-144 csisolatincyrillic "
     "cyrillic ", "ISO-8859-5", WAY_ICONV, 1},
    {"iso-8859-6 iso8859-6 iso88596 iso_8859-6 iso_8859-6:1987 iso-ir-127 iso-8859-6-e "
     "iso-8859-6-i csiso88596e csiso88596i csisolatinarabic arabic asmo-708 ecma-114 ",
     "ISO-8859-6", WAY_ICONV, 1},
    {"iso-8859-7 iso8859-7 iso88597 iso_8859-7 iso_8859-7:1987 iso-ir-126 csisolatingreek "
     "greek greek8 ecma-118 elot_928 sun_eu_greek ", "ISO-8859-7", WAY_ICONV, 1},
    {"iso-8859-8 iso8859-8 iso88598 iso_8859-8 iso_8859-8:1988 iso-ir-138 iso-8859-8-e "
     "iso-8859-8-i csiso88598e csiso88598i csisolatinhebrew hebrew visual logical ",
     "ISO-8859-8", WAY_ICONV, 1},
    {"iso-8859-10 iso8859-10 iso885910 iso-ir-157 csisolatin6 l6 latin6 ",
     "ISO-8859-10", WAY_ICONV, 1},
    {"iso-8859-13 iso8859-13 iso885913 ", "ISO-8859-13", WAY_ICONV, 1},
    {"iso-8859-14 iso8859-14 iso885914 ", "ISO-8859-14", WAY_ICONV, 1},
    {"iso-8859-15 iso8859-15 iso885915 iso_8859-15 csisolatin9 l9 latin9 latin-9 ",
     "ISO-8859-15", WAY_ICONV, 1},
    {"iso-8859-16 ", "ISO-8859-16", WAY_ICONV, 1},
    {"windows-874 iso-8859-11 iso8859-11 iso885911 tis-620 dos-874 ", "CP874", WAY_ICONV, 1},
    {"windows-1250 cp1250 x-cp1250 ", "CP1250", WAY_ICONV, 1},
    {"windows-1251 cp1251 x-cp1251 ", "CP1251", WAY_ICONV, 1},
    {"windows-1253 cp1253 x-cp1253 ", "CP1253", WAY_ICONV, 1},
    {"windows-1254 cp1254 x-cp1254 iso-8859-9 iso8859-9 iso88599 iso_8859-9 iso_8859-9:1989 "
     "iso-ir-148 csisolatin5 l5 latin5 ", "CP1254", WAY_ICONV, 1},
    {"windows-1255 cp1255 x-cp1255 ", "CP1255", WAY_ICONV, 1},
    {"windows-1256 cp1256 x-cp1256 ", "CP1256", WAY_ICONV, 1},
    {"windows-1257 cp1257 x-cp1257 ", "CP1257", WAY_ICONV, 1},
    {"windows-1258 cp1258 x-cp1258 ", "CP1258", WAY_ICONV, 1},
    {"koi8-r koi8_r koi8 koi cskoi8r ", "KOI8-R", WAY_ICONV, 1},
    {"koi8-u koi8-ru ", "KOI8-U", WAY_ICONV, 1},
    {"ibm866 cp866 866 csibm866 ", "IBM866", WAY_ICONV, 1},
    {"ibm437 cp437 437 cspc8codepage437 ", "IBM437", WAY_ICONV, 1},
    {"ibm850 cp850 850 cspc850multilingual ", "IBM850", WAY_ICONV, 1},
    {"ibm852 cp852 852 cspcp852 ", "IBM852", WAY_ICONV, 1},
    {"macintosh mac x-mac-roman csmacintosh ", "MACINTOSH", WAY_ICONV, 1},
    {"x-mac-cyrillic x-mac-ukrainian ", "MAC-UK", WAY_ICONV, 1},
    {"gb2312 gbk gb18030 gb_2312 gb_2312-80 chinese csgb2312 csiso58gb231280 iso-ir-58 x-gbk "
     "cp936 ", "GB18030", WAY_ICONV, 1},
    {"big5 big5-hkscs cn-big5 csbig5 x-x-big5 cp950 ", "BIG5-HKSCS", WAY_ICONV, 1},
    {"euc-jp x-euc-jp cseucpkdfmtjapanese ", "EUC-JP-MS", WAY_ICONV, 1},
    {"iso-2022-jp csiso2022jp iso-2022-jp-1 iso-2022-jp-2 csiso2022jp2 ",
     "ISO-2022-JP-2", WAY_ICONV, 1},
    {"shift_jis shift-jis sjis x-sjis csshiftjis ms_kanji ms932 cp932 windows-31j ",
     "CP932", WAY_ICONV, 1},
    {"euc-kr ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 cseuckr csksc56011987 iso-ir-149 "
     "korean windows-949 cp949 uhc ", "UHC", WAY_ICONV, 1},
    {"iso-2022-kr csiso2022kr ", "ISO-2022-KR", WAY_ICONV, 1},
    {"utf-16 ", "UTF-16", WAY_ICONV, 2},
    {"utf-16le csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff ", "UTF-16LE", WAY_ICONV, 2},
    {"utf-16be unicodefffe ", "UTF-16BE", WAY_ICONV, 2},
    {"utf-7 unicode-1-1-utf-7 x-unicode-2-0-utf-7 csunicode11utf7 ", "UTF-7", WAY_ICONV, 1},
};
/* clang-format on */

struct charset {
    const struct charset_row *row;
    iconv_t cd;            /* of WAY_ICONV */
    char held[HELD_BYTES]; /* the beginning of a character that waits for its end */
    size_t held_n;
};

static bool row_has(const struct charset_row *row, struct span label)
{
    struct span rest = span_cstr(row->labels);
    while (rest.n > 0) {
        struct span one = span_to(rest, span_find(rest, ' '));
        if (span_eq_ci(one, label))
            return true;
        rest = span_from(rest, one.n + 1);
    }
    return false;
}

static const struct charset_row *row_of(struct span label)
{
    label = span_trim(label);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (row_has(&rows[i], label))
            return &rows[i];
    }
    return NULL;
}

bool charset_known(struct span label)
{
    return row_of(label) != NULL;
}

struct charset *charset_new(struct span label)
{
    const struct charset_row *row = row_of(label);
    iconv_t cd = (iconv_t)-1;
    if (!row)
        return NULL;
    if (row->way == WAY_ICONV && (cd = iconv_open("UTF-8", row->name)) == (iconv_t)-1)
        return NULL; /* this system was installed without it */
    struct charset *c = mem_new(struct charset);
    c->row = row;
    c->cd = cd;
    return c;
}

void charset_free(struct charset **c)
{
    if (*c && (*c)->row->way == WAY_ICONV)
        iconv_close((*c)->cd);
    mem_free(*c);
    *c = NULL;
}

static bool add_replacement(struct buf *out)
{
    return buf_add(out, SPAN("\xef\xbf\xbd"));
}

/* The length of the run of ASCII that in begins with. */
static size_t ascii_run(struct span in)
{
    size_t n = 0;
    for (uint64_t word; n + sizeof word <= in.n; n += sizeof word) {
        memcpy(&word, in.p + n, sizeof word);
        if (word & 0x8080808080808080u)
            break;
    }
    while (n < in.n && (unsigned char)in.p[n] < 0x80)
        n++;
    return n;
}

/* --- UTF-8 to valid UTF-8 --------------------------------------------------------------------- */

enum utf8_is { UTF8_GOOD, UTF8_BAD, UTF8_CUT };

/* How many bytes the character has that lead begins, 0 if none does; and the range of its second
 * byte. */
static size_t utf8_need(unsigned char lead, unsigned char *low, unsigned char *high)
{
    *low = 0x80;
    *high = 0xbf;
    switch (lead) {
    case 0xe0: /* below: overlong */
        *low = 0xa0;
        break;
    case 0xed: /* above: surrogates */
        *high = 0x9f;
        break;
    case 0xf0: /* below: overlong */
        *low = 0x90;
        break;
    case 0xf4: /* above: beyond U+10FFFF */
        *high = 0x8f;
        break;
    default:
        break;
    }
    if (lead < 0x80)
        return 1;
    if (lead < 0xc2 || lead > 0xf4)
        return 0;
    return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/* What in (not empty) begins with: a character, the beginning of one, or bytes that can be neither;
 * *n_out is the length of that. What is bad is the longest piece that could have become a
 * character (Unicode 15 §3.9, "maximal subpart"). */
static enum utf8_is utf8_look(struct span in, size_t *n_out)
{
    unsigned char low, high;
    size_t need = utf8_need((unsigned char)in.p[0], &low, &high);
    *n_out = 1;
    if (need == 0)
        return UTF8_BAD;
    for (; *n_out < need; ++*n_out) {
        if (*n_out == in.n)
            return UTF8_CUT;
        unsigned char c = (unsigned char)in.p[*n_out];
        if (c < low || c > high)
            return UTF8_BAD;
        low = 0x80;
        high = 0xbf;
    }
    return UTF8_GOOD;
}

/* Completes the held beginning with bytes of *in. Afterwards nothing is held, or *in is empty. */
static bool utf8_finish_held(struct charset *c, struct span *in, struct buf *out)
{
    char both[HELD_BYTES];
    size_t n = 0, more = in->n < 3 ? in->n : 3; /* enough to decide */
    if (c->held_n == 0 || in->n == 0)
        return true;
    memcpy(both, c->held, c->held_n);
    memcpy(both + c->held_n, in->p, more);
    enum utf8_is is = utf8_look(span_of(both, c->held_n + more), &n);
    if (is == UTF8_CUT) {
        memcpy(c->held, both, n);
        c->held_n = n;
        *in = span_from(*in, in->n);
        return true;
    }
    *in = span_from(*in, n - c->held_n);
    c->held_n = 0;
    return is == UTF8_GOOD ? buf_add(out, span_of(both, n)) : add_replacement(out);
}

static bool utf8_convert(struct charset *c, struct span in, struct buf *out)
{
    if (!utf8_finish_held(c, &in, out))
        return false;
    while (in.n > 0) {
        size_t good = 0, n = 0;
        enum utf8_is is = UTF8_GOOD;
        while (good < in.n) {
            good += ascii_run(span_from(in, good));
            if (good == in.n)
                break;
            is = utf8_look(span_from(in, good), &n);
            if (is != UTF8_GOOD)
                break;
            good += n;
        }
        if (!buf_add(out, span_to(in, good)))
            return false;
        in = span_from(in, good);
        if (is == UTF8_CUT) {
            memcpy(c->held, in.p, n);
            c->held_n = n;
            return true;
        }
        if (is == UTF8_BAD) {
            if (!add_replacement(out))
                return false;
            in = span_from(in, n);
        }
    }
    return true;
}

/* --- windows-1252, which is also what ISO-8859-1 and US-ASCII mean in practice ---------------- */

static uint32_t windows_1252_char(unsigned char c)
{
    static const uint16_t high[32] = {
        0x20ac, 0x0081, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
        0x2039, 0x0152, 0x008d, 0x017d, 0x008f, 0x0090, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
        0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x009d, 0x017e, 0x0178,
    };
    return c >= 0x80 && c < 0xa0 ? high[c - 0x80] : c;
}

static bool windows_1252_convert(struct span in, struct buf *out)
{
    char block[BLOCK_BYTES];
    while (in.n > 0) {
        size_t ascii = ascii_run(in), n = 0, i = 0;
        if (!buf_add(out, span_to(in, ascii)))
            return false;
        in = span_from(in, ascii);
        for (; i < in.n && (unsigned char)in.p[i] >= 0x80 && n + 4 <= sizeof block; i++)
            n += utf8_put(windows_1252_char((unsigned char)in.p[i]), block + n);
        if (!buf_add(out, span_of(block, n)))
            return false;
        in = span_from(in, i);
    }
    return true;
}

/* --- the others, by iconv --------------------------------------------------------------------- */

/* One call of iconv into a block and on to out: takes what it can off *in. *why is 0 or the
 * errno of the stop. */
static bool iconv_block(struct charset *c, struct span *in, struct buf *out, int *why)
{
    char block[BLOCK_BYTES];
    char *to = block, *from = (char *)(uintptr_t)in->p; /* iconv does not write there */
    size_t room = sizeof block, left = in->n;
    *why = iconv(c->cd, &from, &left, &to, &room) == (size_t)-1 ? errno : 0;
    *in = span_from(*in, in->n - left);
    return buf_add(out, span_of(block, sizeof block - room));
}

/* Converts all of *in but a character that is cut at its end. */
static bool iconv_run(struct charset *c, struct span *in, struct buf *out)
{
    while (in->n > 0) {
        int why;
        if (!iconv_block(c, in, out, &why))
            return false;
        if (why == EINVAL)
            return true;
        if (why == EILSEQ) {
            size_t skip = c->row->unit_bytes < in->n ? c->row->unit_bytes : in->n;
            *in = span_from(*in, skip);
            if (!add_replacement(out))
                return false;
        }
    }
    return true;
}

/* Feeds the held beginning byte by byte from *in, until nothing is held or *in is empty. */
static bool iconv_finish_held(struct charset *c, struct span *in, struct buf *out)
{
    while (c->held_n > 0 && in->n > 0) {
        c->held[c->held_n++] = in->p[0];
        *in = span_from(*in, 1);
        struct span held = span_of(c->held, c->held_n);
        if (!iconv_run(c, &held, out))
            return false;
        if (held.n == HELD_BYTES) { /* it takes no more, and calls it nothing: so we do */
            held = span_from(held, 1);
            if (!add_replacement(out))
                return false;
        }
        memmove(c->held, held.p, held.n);
        c->held_n = held.n;
    }
    return true;
}

static bool iconv_convert(struct charset *c, struct span in, struct buf *out)
{
    if (!iconv_finish_held(c, &in, out) || !iconv_run(c, &in, out))
        return false;
    while (in.n >= HELD_BYTES) { /* more than any character needs, and still not one */
        in = span_from(in, 1);
        if (!add_replacement(out) || !iconv_run(c, &in, out))
            return false;
    }
    if (in.n > 0) {
        memcpy(c->held, in.p, in.n);
        c->held_n = in.n;
    }
    return true;
}

/* Some keep a character back that may yet get an accent. Then the machine is as new. */
static bool iconv_end(struct charset *c, struct buf *out)
{
    char block[64];
    char *to = block;
    size_t room = sizeof block;
    iconv(c->cd, NULL, NULL, &to, &room);
    iconv(c->cd, NULL, NULL, NULL, NULL);
    return buf_add(out, span_of(block, sizeof block - room));
}

bool charset_convert(struct charset *c, struct span in, bool last, struct buf *out)
{
    bool fits = true;
    switch (c->row->way) {
    case WAY_UTF8:
        fits = utf8_convert(c, in, out);
        break;
    case WAY_WINDOWS_1252:
        return windows_1252_convert(in, out);
    case WAY_ICONV:
        fits = iconv_convert(c, in, out);
        break;
    }
    if (!last)
        return fits;
    if (c->row->way == WAY_ICONV)
        fits = iconv_end(c, out) && fits;
    if (c->held_n > 0)
        fits = add_replacement(out) && fits;
    c->held_n = 0;
    return fits;
}
