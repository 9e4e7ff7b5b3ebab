#include "message/digest.h"
#include "common/le.h"
#include "common/must.h"

/* THE RECORD
 * Numbers are little-endian.
 *   offset  size  meaning
 *        0     1  1: the layout
 *        1     1  FLAG_DATED, FLAG_REPLY
 *        2     6  bytes of subject, from, to, cc, from_display, to_display
 *        8     1  number of references
 *        9     1  0
 *       10     2  zone of Date in minutes, signed
 *       12     8  Date in seconds since 1970 UTC, signed
 *       20     8  hash of the Message-ID, 0: none
 *       28        the texts in that order, and then each reference in 8 bytes
 */

#define HEAD_BYTES 28u
#define LAYOUT 1
#define FLAG_DATED 1u
#define FLAG_REPLY 2u
#define TEXTS 6u

/* --- the record -------------------------------------------------------------------------------------------------- */

bool digest_open(struct span record, struct digest *out)
{
    if (record.n < HEAD_BYTES || record.p[0] != LAYOUT)
        return false;
    struct span text[TEXTS];
    unsigned flags = (unsigned char)record.p[1];
    size_t at = HEAD_BYTES;
    for (size_t i = 0; i < TEXTS; i++) {
        size_t n = (unsigned char)record.p[2 + i];
        if (n > record.n - at)
            return false;
        text[i] = span_of(record.p + at, n);
        at += n;
    }
    *out = (struct digest){
        .dated = flags & FLAG_DATED,
        .sent = {.utc = (int64_t)le_get(record.p + 12, 8),
                 .zone_minutes = (int16_t)le_get(record.p + 10, 2)},
        .subject = text[0],
        .reply = flags & FLAG_REPLY,
        .from = text[1],
        .to = text[2],
        .cc = text[3],
        .from_display = text[4],
        .to_display = text[5],
        .id = le_get(record.p + 20, 8),
        .reference_count = (unsigned char)record.p[8],
        .references = record.p + at,
    };
    return flags <= (FLAG_DATED | FLAG_REPLY) && record.n - at == 8 * out->reference_count;
}

uint64_t digest_reference(const struct digest *d, size_t i)
{
    must(i < d->reference_count);
    return le_get(d->references + 8 * i, 8);
}

/* At most DIGEST_TEXT_BYTES, whole characters. */
static struct span cut(struct span text)
{
    if (text.n <= DIGEST_TEXT_BYTES)
        return text;
    text.n = DIGEST_TEXT_BYTES;
    while (text.n > 0 && ((unsigned char)text.p[text.n] & 0xc0) == 0x80)
        text.n--;
    return text;
}

void digest_write(const struct digest *d, const uint64_t *references, struct buf *out)
{
    struct span text[TEXTS] = {d->subject, d->from, d->to, d->cc, d->from_display, d->to_display};
    size_t count = d->reference_count, left_out = 0;
    char head[HEAD_BYTES] = {LAYOUT};
    if (count > DIGEST_REFERENCE_COUNT) {
        left_out = count - DIGEST_REFERENCE_COUNT;
        count = DIGEST_REFERENCE_COUNT;
    }
    head[1] = (char)((d->dated ? FLAG_DATED : 0) | (d->reply ? FLAG_REPLY : 0));
    for (size_t i = 0; i < TEXTS; i++) {
        text[i] = cut(text[i]);
        head[2 + i] = (char)text[i].n;
    }
    head[8] = (char)count;
    le_put(head + 10, d->dated ? (uint64_t)(int64_t)d->sent.zone_minutes : 0, 2);
    le_put(head + 12, d->dated ? (uint64_t)d->sent.utc : 0, 8);
    le_put(head + 20, d->id, 8);
    (void)buf_add(out, span_of(head, sizeof head));
    for (size_t i = 0; i < TEXTS; i++)
        (void)buf_add(out, text[i]);
    for (size_t i = 0; i < count; i++) {
        char eight[8];
        le_put(eight, references[i == 0 ? 0 : i + left_out], 8);
        (void)buf_add(out, span_of(eight, sizeof eight));
    }
}

/* --- message ids ------------------------------------------------------------------------------------------------- */

static uint64_t hash_byte(uint64_t h, char c)
{
    return (h ^ (unsigned char)c) * UINT64_C(1099511628211); /* FNV-1a */
}

uint64_t digest_hash_id(struct span id)
{
    uint64_t h = UINT64_C(14695981039346656037);
    bool quoted = false;
    for (size_t i = 0; i < id.n; i++) {
        char c = id.p[i];
        if (c == '"') {
            quoted = !quoted;
            continue;
        }
        if (!quoted && (c == ' ' || c == '\t' || c == '\r' || c == '\n'))
            continue; /* folded where it should not be */
        if (quoted && c == '\\' && i + 1 < id.n)
            c = id.p[++i];
        h = hash_byte(h, c);
    }
    h = (h ^ h >> 32) *
        UINT64_C(0xd6e8feb86659fd93); /* so that all bits of the key depend on all bytes */
    h ^= h >> 32;
    return h ? h : 1;
}

/* --- the base subject, RFC 5256 §2.1 and §5 ------------------------------------------------------------------------ */

/* Tabs and line ends are spaces, several spaces are one. */
static struct span squeeze(struct arena *a, struct span s)
{
    char *p = arena_alloc(a, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i] == '\t' || s.p[i] == '\r' || s.p[i] == '\n' ? ' ' : s.p[i];
        if (c != ' ' || n == 0 || p[n - 1] != ' ')
            p[n++] = c;
    }
    return span_of(p, n);
}

static void skip_blanks(struct span *s)
{
    while (s->n > 0 && s->p[0] == ' ')
        *s = span_from(*s, 1);
}

/* subj-trailer = "(fwd)" / WSP */
static void drop_trailers(struct span *s, bool *reply)
{
    struct span forwarded = SPAN("(fwd)");
    for (;;) {
        if (s->n > 0 && s->p[s->n - 1] == ' ') {
            s->n--;
        } else if (s->n >= forwarded.n &&
                   span_eq_ci(span_from(*s, s->n - forwarded.n), forwarded)) {
            s->n -= forwarded.n;
            *reply = true;
        } else {
            return;
        }
    }
}

/* subj-blob = "[" *BLOBCHAR "]" *WSP    no brackets in it */
static bool take_blob(struct span *s)
{
    size_t i = 1;
    if (s->n == 0 || s->p[0] != '[')
        return false;
    while (i < s->n && s->p[i] != '[' && s->p[i] != ']')
        i++;
    if (i == s->n || s->p[i] == '[')
        return false;
    *s = span_from(*s, i + 1);
    skip_blanks(s);
    return true;
}

/* subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":" */
static bool take_refwd(struct span *s)
{
    struct span rest = *s;
    if (span_starts_ci(rest, SPAN("fwd")))
        rest = span_from(rest, 3);
    else if (span_starts_ci(rest, SPAN("re")) || span_starts_ci(rest, SPAN("fw")))
        rest = span_from(rest, 2);
    else
        return false;
    skip_blanks(&rest);
    (void)take_blob(&rest);
    if (rest.n == 0 || rest.p[0] != ':')
        return false;
    *s = span_from(rest, 1);
    return true;
}

/* subj-leader = (*subj-blob subj-refwd) / WSP */
static bool take_leader(struct span *s, bool *reply)
{
    struct span rest = *s;
    if (rest.n > 0 && rest.p[0] == ' ') {
        skip_blanks(s);
        return true;
    }
    while (take_blob(&rest))
        ;
    if (!take_refwd(&rest))
        return false;
    *s = rest;
    *reply = true;
    return true;
}

/* Steps 3 to 5. The blobs before a leader are looked at once for each leader; without one they go one by one. */
static void drop_leaders(struct span *s, bool *reply)
{
    for (;;) {
        while (take_leader(s, reply))
            ;
        struct span rest = *s;
        bool blobs = false;
        while (take_blob(&rest) && rest.n > 0) {
            *s = rest;
            blobs = true;
        }
        if (!blobs)
            return;
    }
}

struct span digest_base_subject(struct arena *a, struct span subject, bool *reply_out)
{
    struct span s = squeeze(a, subject), header = SPAN("[fwd:");
    bool unused = false, *reply = reply_out ? reply_out : &unused;
    *reply = false;
    for (;;) {
        drop_trailers(&s, reply);
        drop_leaders(&s, reply);
        if (!span_starts_ci(s, header) || s.p[s.n - 1] != ']')
            return s;
        s = span_from(span_to(s, s.n - 1), header.n);
        *reply = true;
    }
}
