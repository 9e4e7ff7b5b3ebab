#include "message/structure.h"
#include "message/cfws.h"
#include "message/header.h"
#include "message/nstring.h"

enum { TYPE, ENCODING, ID, DESCRIPTION, MD5, DISPOSITION, LANGUAGE, LOCATION, FIELDS };

/* clang-format off */
static const struct span fields[FIELDS] = {
    [TYPE] = {"Content-Type", 12},
    [ENCODING] = {"Content-Transfer-Encoding", 25},
    [ID] = {"Content-ID", 10},
    [DESCRIPTION] = {"Content-Description", 19},
    [MD5] = {"Content-MD5", 11},
    [DISPOSITION] = {"Content-Disposition", 19},
    [LANGUAGE] = {"Content-Language", 16},
    [LOCATION] = {"Content-Location", 16},
};
/* clang-format on */

#define NAME_BYTES 255 /* of a type, subtype or charset in a record */

static size_t field_index(struct span name)
{
    size_t i = 0;
    while (i < FIELDS && !span_eq_ci(fields[i], name))
        i++;
    return i;
}

bool structure_wants(struct span name)
{
    return field_index(name) < FIELDS;
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

static struct span lower(struct arena *a, struct span s)
{
    s = span_to(s, NAME_BYTES);
    char *p = arena_alloc(a, s.n);
    for (size_t i = 0; i < s.n; i++)
        p[i] = (char)span_lower((unsigned char)s.p[i]);
    return span_of(p, s.n);
}

/* The parameter as it stands, or put together from RFC 2231 pieces. */
static struct span parameter(struct arena *a, const struct words_params *p, struct span name)
{
    for (size_t i = 0; i < p->n; i++)
        if (span_eq_ci(p->list[i].name, name))
            return p->list[i].value;
    return words_param_decoded(a, p, name);
}

static void read_type(struct arena *a, struct span value, bool in_digest,
                      struct structure_content *out)
{
    if (value.p)
        out->type = words_params(a, value, true);
    if (out->type.value.n == 0 || out->type.subvalue.n == 0) {
        bool message = in_digest && !value.p;
        out->type = (struct words_params){.value = message ? SPAN("message") : SPAN("text"),
                                          .subvalue = message ? SPAN("rfc822") : SPAN("plain")};
    }
    out->kind = lower(a, out->type.value);
    out->subkind = lower(a, out->type.subvalue);
    out->charset = lower(a, span_trim(parameter(a, &out->type, SPAN("charset"))));
    out->boundary = parameter(a, &out->type, SPAN("boundary"));
    while (out->boundary.n > 0 && (out->boundary.p[out->boundary.n - 1] == ' ' ||
                                   out->boundary.p[out->boundary.n - 1] == '\t')) {
        out->boundary.n--;
        out->boundary_blanks++;
    }
    out->type = words_params_joined(a, &out->type);
}

void structure_read(struct arena *a, struct span header, bool in_digest,
                    struct structure_content *out)
{
    struct span value[FIELDS] = {{NULL, 0}};
    struct header_field f;
    while (header_next(&header, &f)) {
        size_t i = field_index(f.name);
        if (i < FIELDS && (!value[i].p || i == DISPOSITION))
            value[i] = header_unfold(a, f.value);
    }
    *out = (struct structure_content){.id = value[ID],
                                      .description = value[DESCRIPTION],
                                      .md5 = value[MD5],
                                      .location = value[LOCATION],
                                      .language = value[LANGUAGE],
                                      .encoding = SPAN("7bit")};
    read_type(a, value[TYPE], in_digest, out);
    if (value[ENCODING].p) {
        struct span name = words_params(a, value[ENCODING], false).value;
        if (name.n > 0)
            out->encoding = name;
    }
    if (value[DISPOSITION].p) {
        struct words_params p = words_params(a, value[DISPOSITION], false);
        out->disposition = words_params_joined(a, &p);
    }
    out->attachment = span_eq_ci(out->disposition.value, SPAN("attachment"));
}

void structure_opaque(struct structure_content *c)
{
    c->type = (struct words_params){.value = SPAN("application"), .subvalue = SPAN("octet-stream")};
    c->kind = c->type.value;
    c->subkind = c->type.subvalue;
    c->charset = c->boundary = SPAN("");
}

void structure_plain(struct structure_content *c)
{
    c->type = (struct words_params){.value = SPAN("text"), .subvalue = SPAN("plain")};
    c->kind = c->type.value;
    c->subkind = c->type.subvalue;
    c->charset = c->boundary = SPAN("");
}

/* --- one part ---------------------------------------------------------------------------------------------------- */

static void put_param(struct buf *out, struct span name, struct span value)
{
    nstring_put(out, name.p ? name : SPAN(""));
    buf_byte(out, ' ');
    nstring_put(out, value.p ? value : SPAN(""));
}

/* body-fld-param    RFC 9051 §9. A text without a charset shows the default of RFC 2045 §5.2. */
static void put_params(struct buf *out, const struct words_params *p, bool text)
{
    bool charset = !text;
    if (p->n == 0 && charset) {
        buf_add(out, SPAN("NIL"));
        return;
    }
    for (size_t i = 0; i < p->n; i++) {
        buf_byte(out, i == 0 ? '(' : ' ');
        put_param(out, p->list[i].name, p->list[i].value);
        charset = charset || span_starts_ci(p->list[i].name, SPAN("charset"));
    }
    if (!charset) {
        buf_byte(out, p->n == 0 ? '(' : ' ');
        put_param(out, SPAN("charset"), SPAN("us-ascii"));
    }
    buf_byte(out, ')');
}

/* body-fld-dsp = "(" string SP body-fld-param ")" / nil */
static void put_disposition(struct buf *out, const struct words_params *p)
{
    if (p->value.n == 0 && p->n == 0) {
        buf_add(out, SPAN("NIL"));
        return;
    }
    buf_byte(out, '(');
    nstring_put(out, p->value.n ? p->value : SPAN(""));
    buf_byte(out, ' ');
    put_params(out, p, false);
    buf_byte(out, ')');
}

static bool is_tag_byte(unsigned char c)
{
    return c == '-' || c >= 0x80 || (c >= '0' && c <= '9') ||
           (span_lower(c) >= 'a' && span_lower(c) <= 'z');
}

/* body-fld-lang = nstring / "(" string *(SP string) ")"    the tags of RFC 3282 §2, divided by commas */
static void put_languages(struct buf *out, struct span list)
{
    bool any = false;
    while (list.n > 0) {
        size_t n = span_find(list, ',');
        struct scan s = scan_of(span_to(list, n));
        cfws_skip(&s);
        struct span tag = scan_while(&s, is_tag_byte);
        list = span_from(list, n < list.n ? n + 1 : n);
        if (tag.n == 0)
            continue;
        buf_byte(out, any ? ' ' : '(');
        nstring_put(out, tag);
        any = true;
    }
    if (any)
        buf_byte(out, ')');
    else
        buf_add(out, SPAN("NIL"));
}

bool structure_put_part(const struct structure_content *c, enum outline_kind kind, struct buf *out,
                        size_t *tail_at)
{
    if (kind == OUTLINE_MULTIPART) {
        nstring_put(out, c->type.subvalue);
        *tail_at = out->n;
        buf_byte(out, ' ');
        put_params(out, &c->type, false);
    } else {
        nstring_put(out, c->type.value);
        buf_byte(out, ' ');
        nstring_put(out, c->type.subvalue);
        buf_byte(out, ' ');
        put_params(out, &c->type, span_eq(c->kind, SPAN("text")));
        buf_byte(out, ' ');
        nstring_put(out, c->id);
        buf_byte(out, ' ');
        nstring_put(out, c->description);
        buf_byte(out, ' ');
        nstring_put(out, c->encoding);
        *tail_at = out->n;
        buf_byte(out, ' ');
        nstring_put(out, c->md5);
    }
    buf_byte(out, ' ');
    put_disposition(out, &c->disposition);
    buf_byte(out, ' ');
    put_languages(out, c->language);
    buf_byte(out, ' ');
    nstring_put(out, c->location);
    return !out->full;
}

/* --- the whole --------------------------------------------------------------------------------------------------- */

struct writer {
    struct buf *out;
    struct structure_cut *cuts;
    size_t cuts_n;
};

static void put_number(struct buf *out, uint64_t v)
{
    buf_byte(out, ' ');
    buf_u64(out, v);
}

static uint64_t octets(const struct structure_part *p)
{
    return p->row.end_at - p->row.body_at;
}

static void put_tail(struct writer *w, const struct structure_part *p)
{
    w->cuts[w->cuts_n++] = (struct structure_cut){(uint32_t)w->out->n, (uint32_t)p->tail.n};
    buf_add(w->out, p->tail);
    buf_byte(w->out, ')');
}

/* body-type-basic, body-type-text; and what comes before the body in body-type-msg and body-type-mpart */
static void put_begin(struct writer *w, const struct structure_part *p, struct span inner_envelope)
{
    buf_byte(w->out, '(');
    if (p->row.kind == OUTLINE_MULTIPART)
        return;
    buf_add(w->out, p->head);
    put_number(w->out, octets(p));
    if (p->row.kind == OUTLINE_MESSAGE) {
        buf_byte(w->out, ' ');
        buf_add(w->out, inner_envelope);
        buf_byte(w->out, ' ');
        return;
    }
    if (span_eq(p->row.type, SPAN("text")))
        put_number(w->out, p->row.lines);
    put_tail(w, p);
}

static void put_end(struct writer *w, const struct structure_part *p)
{
    if (p->row.kind == OUTLINE_MULTIPART) {
        buf_byte(w->out, ' ');
        buf_add(w->out, p->head);
    } else {
        put_number(w->out, p->row.lines);
    }
    put_tail(w, p);
}

size_t structure_put(const struct structure_part *parts, uint32_t n, struct buf *out,
                     struct structure_cut *cuts)
{
    struct writer w = {.out = out, .cuts = cuts};
    for (uint32_t i = 0; i < n; i++) {
        put_begin(&w, &parts[i], i + 1 < n ? parts[i + 1].envelope : (struct span){NULL, 0});
        /* now close all that ends with this part, the innermost first */
        for (uint32_t j = i; parts[j].next == i + 1; j = parts[j].row.parent) {
            if (parts[j].row.kind != OUTLINE_LEAF)
                put_end(&w, &parts[j]);
            if (j == 0)
                break;
        }
    }
    return w.cuts_n;
}
