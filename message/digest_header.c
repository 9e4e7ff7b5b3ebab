#include "message/digest_header.h"
#include "common/utf8.h"
#include "message/header.h"
#include "message/words.h"

enum { FROM, TO, CC, IDENTITY, REFERENCES, IN_REPLY_TO, FIELDS };

/* clang-format off */
static const struct span fields[FIELDS] = {
    [FROM] = {"From", 4},
    [TO] = {"To", 2},
    [CC] = {"Cc", 2},
    [IDENTITY] = {"Message-ID", 10},
    [REFERENCES] = {"References", 10},
    [IN_REPLY_TO] = {"In-Reply-To", 11},
};
/* clang-format on */

static size_t field_index(struct span name)
{
    size_t i = 0;
    while (i < FIELDS && !span_eq_ci(fields[i], name))
        i++;
    return i;
}

bool digest_header_wants(struct span name)
{
    return field_index(name) < FIELDS;
}

/* --- message ids ------------------------------------------------------------------------------------------------- */

/* id-left "@" id-right, with white space, quotes and whatever else programs write in them */
static bool is_id(struct span s)
{
    size_t at = span_find(s, '@');
    return at > 0 && at + 1 < s.n;
}

/* Takes the next msg-id = [CFWS] "<" id-left "@" id-right ">" [CFWS] (RFC 5322 §3.6.4) off the front of *rest; words
 * between them are passed over (RFC 5322 §4.5.4). */
static bool take_id(struct span *rest, struct span *id)
{
    size_t from = 0; /* behind the last "<", 0: none */
    bool quoted = false;
    for (size_t i = 0; i < rest->n; i++) {
        char c = rest->p[i];
        if (c == '"' && from > 0) {
            quoted = !quoted;
        } else if (c == '\\' && quoted) {
            i++;
        } else if (c == '<' && !quoted) {
            from = i + 1;
        } else if (c == '>' && from > 0) {
            *id = span_of(rest->p + from, i - from);
            from = 0;
            quoted = false;
            if (!is_id(*id))
                continue;
            *rest = span_from(*rest, i + 1);
            return true;
        }
    }
    return false;
}

/* The first id of value, if there is one. Of several fields the last one counts, as in ENVELOPE. */
static void keep_id(uint64_t *to, struct span value)
{
    struct span id;
    if (take_id(&value, &id))
        *to = digest_hash_id(id);
}

/* The first of value and the last ones, at most DIGEST_REFERENCE_COUNT; returns how many. */
static size_t take_references(struct span value, uint64_t ids[DIGEST_REFERENCE_COUNT])
{
    const size_t ring = DIGEST_REFERENCE_COUNT - 1; /* behind the first */
    uint64_t last[DIGEST_REFERENCE_COUNT - 1];
    struct span id;
    size_t n = 0; /* without the first */
    if (!take_id(&value, &id))
        return 0;
    ids[0] = digest_hash_id(id);
    for (; take_id(&value, &id); n++)
        last[n % ring] = digest_hash_id(id);
    size_t kept = n < ring ? n : ring;
    for (size_t i = 0; i < kept; i++)
        ids[1 + i] = last[(n - kept + i) % ring];
    return 1 + kept;
}

/* --- addresses --------------------------------------------------------------------------------------------------- */

static struct span as_utf8(struct arena *a, struct span s)
{
    return utf8_valid(s) ? s : words_decode(a, s);
}

/* What SORT compares of the first address of a field, RFC 5256 §3 and RFC 5957 §3. */
static bool take_address(struct arena *a, struct span value, struct span *mailbox,
                         struct span *display)
{
    struct header_address list[2]; /* room for a group with its end */
    if (header_addresses(a, value, list, 2) == 0)
        return false;
    const struct header_address *first = &list[0];
    *mailbox = as_utf8(a, first->mailbox);
    *display = first->name.n ? words_decode(a, first->name) : SPAN("");
    if (display->n == 0 && first->domain.n > 0)
        *display = as_utf8(
            a, arena_printf(a, "%.*s@%.*s", SPAN_ARG(first->mailbox), SPAN_ARG(first->domain)));
    else if (display->n == 0)
        *display = *mailbox;
    return true;
}

/* --- the whole --------------------------------------------------------------------------------------------------- */

void digest_header(struct arena *a, struct span header, const struct digest *known, struct buf *out)
{
    struct digest d = {.dated = known->dated, .sent = known->sent};
    struct span cc_display, *mailbox[] = {[FROM] = &d.from, [TO] = &d.to, [CC] = &d.cc};
    struct span *display[] = {[FROM] = &d.from_display, [TO] = &d.to_display, [CC] = &cc_display};
    uint64_t references[DIGEST_REFERENCE_COUNT], parent = 0;
    bool found[CC + 1] = {
        false}; /* lists in several fields are one, so the first address is in the first */
    struct header_field f;
    while (header_next(&header, &f)) {
        size_t i = field_index(f.name), n = 0;
        if (i <= CC)
            found[i] = found[i] || take_address(a, f.value, mailbox[i], display[i]);
        else if (i == IDENTITY)
            keep_id(&d.id, f.value);
        else if (i == IN_REPLY_TO)
            keep_id(&parent, f.value);
        else if (i == REFERENCES)
            n = take_references(f.value, references);
        if (n > 0)
            d.reference_count = n;
    }
    if (d.reference_count == 0 && parent != 0) {
        references[0] = parent;
        d.reference_count = 1;
    }
    d.subject = digest_base_subject(a, known->subject, &d.reply);
    digest_write(&d, references, out);
}
