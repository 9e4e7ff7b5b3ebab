#include "imapd/imap_fetch.h"
#include "imapd/imap_parse.h"

/* Room: the grammar of FETCH, RFC 9051 §9 fetch, fetch-att, section. */

#define ITEM_COUNT 64    /* items of one FETCH */
#define NUMBER_COUNT 128 /* depth of a section number */
#define FIELD_COUNT 200  /* names in HEADER.FIELDS */

/* A table is read by column. Longer names first where one begins another. */
/* clang-format off */
static const struct {
    struct span word;
    enum fetch_kind kind;
    enum fetch_text text;
    bool sets_seen, section;
} words[] = {
    {SPAN_ROW("ENVELOPE"),      FETCH_ENVELOPE,      FETCH_WHOLE,  false, false},
    {SPAN_ROW("FLAGS"),         FETCH_FLAGS,         FETCH_WHOLE,  false, false},
    {SPAN_ROW("INTERNALDATE"),  FETCH_INTERNALDATE,  FETCH_WHOLE,  false, false},
    {SPAN_ROW("RFC822.HEADER"), FETCH_SECTION,       FETCH_HEADER, false, false},
    {SPAN_ROW("RFC822.SIZE"),   FETCH_SIZE,          FETCH_WHOLE,  false, false},
    {SPAN_ROW("RFC822.TEXT"),   FETCH_SECTION,       FETCH_TEXT,   true,  false},
    {SPAN_ROW("RFC822"),        FETCH_SECTION,       FETCH_WHOLE,  true,  false},
    {SPAN_ROW("UID"),           FETCH_UID,           FETCH_WHOLE,  false, false},
    {SPAN_ROW("MODSEQ"),        FETCH_MODSEQ,        FETCH_WHOLE,  false, false},
    {SPAN_ROW("SAVEDATE"),      FETCH_SAVEDATE,      FETCH_WHOLE,  false, false},
    {SPAN_ROW("EMAILID"),       FETCH_EMAILID,       FETCH_WHOLE,  false, false},
    {SPAN_ROW("THREADID"),      FETCH_THREADID,      FETCH_WHOLE,  false, false},
    {SPAN_ROW("BODYSTRUCTURE"), FETCH_BODYSTRUCTURE, FETCH_WHOLE,  false, false},
    {SPAN_ROW("BODY.PEEK["),    FETCH_SECTION,       FETCH_WHOLE,  false, true},
    {SPAN_ROW("BODY["),         FETCH_SECTION,       FETCH_WHOLE,  true,  true},
    {SPAN_ROW("BODY"),          FETCH_BODY,          FETCH_WHOLE,  false, false},
    {SPAN_ROW("PREVIEW"),       FETCH_PREVIEW,       FETCH_WHOLE,  false, false},
    {SPAN_ROW("BINARY.SIZE["),  FETCH_BINARY_SIZE,   FETCH_WHOLE,  false, true},
    {SPAN_ROW("BINARY.PEEK["),  FETCH_BINARY,        FETCH_WHOLE,  false, true},
    {SPAN_ROW("BINARY["),       FETCH_BINARY,        FETCH_WHOLE,  true,  true},
};
static const struct {
    struct span word;
    enum fetch_text text;
} texts[] = {
    {SPAN_ROW("HEADER.FIELDS.NOT"), FETCH_FIELDS_NOT}, {SPAN_ROW("HEADER.FIELDS"), FETCH_FIELDS},
    {SPAN_ROW("HEADER"), FETCH_HEADER}, {SPAN_ROW("TEXT"), FETCH_TEXT}, {SPAN_ROW("MIME"), FETCH_MIME},
};
static const struct {
    struct span word;
    enum fetch_kind kinds[5];
    size_t n;
} macros[] = { /* RFC 9051 §6.4.5 */
    {SPAN_ROW("ALL"),  {FETCH_FLAGS, FETCH_INTERNALDATE, FETCH_SIZE, FETCH_ENVELOPE}, 4},
    {SPAN_ROW("FAST"), {FETCH_FLAGS, FETCH_INTERNALDATE, FETCH_SIZE}, 3},
    {SPAN_ROW("FULL"), {FETCH_FLAGS, FETCH_INTERNALDATE, FETCH_SIZE, FETCH_ENVELOPE, FETCH_BODY}, 5},
};
static const struct span labels[] = {
    [FETCH_UID] = SPAN_ROW("UID"), [FETCH_FLAGS] = SPAN_ROW("FLAGS"), [FETCH_INTERNALDATE] = SPAN_ROW("INTERNALDATE"),
    [FETCH_SIZE] = SPAN_ROW("RFC822.SIZE"), [FETCH_MODSEQ] = SPAN_ROW("MODSEQ"), [FETCH_ENVELOPE] = SPAN_ROW("ENVELOPE"),
    [FETCH_BODYSTRUCTURE] = SPAN_ROW("BODYSTRUCTURE"), [FETCH_BODY] = SPAN_ROW("BODY"), [FETCH_SECTION] = SPAN_ROW("BODY["),
    [FETCH_SAVEDATE] = SPAN_ROW("SAVEDATE"), [FETCH_EMAILID] = SPAN_ROW("EMAILID"), [FETCH_THREADID] = SPAN_ROW("THREADID"),
    [FETCH_PREVIEW] = SPAN_ROW("PREVIEW"),
    [FETCH_BINARY] = SPAN_ROW("BINARY["), [FETCH_BINARY_SIZE] = SPAN_ROW("BINARY.SIZE["),
};
/* clang-format on */

static bool needs_outline(enum fetch_kind kind, enum fetch_text text, size_t numbers)
{
    return kind >= FETCH_ENVELOPE &&
           !(kind == FETCH_SECTION && text == FETCH_WHOLE && numbers == 0);
}

static struct fetch_item *add(struct scan *s, struct arena *a, struct fetch_items *out,
                              enum fetch_kind kind)
{
    if (!out->list)
        out->list = arena_alloc(a, ITEM_COUNT * sizeof *out->list);
    if (out->n == ITEM_COUNT) {
        scan_fail(s, "Too many items");
        return NULL;
    }
    struct fetch_item *item = &out->list[out->n++];
    *item = (struct fetch_item){.kind = kind, .label = labels[kind]};
    out->uid |= kind == FETCH_UID;
    out->flags |= kind == FETCH_FLAGS;
    out->modseq |= kind == FETCH_MODSEQ;
    return item;
}

/* header-list = "(" header-fld-name *(SP header-fld-name) ")" */
static void header_list(struct scan *s, struct arena *a, struct fetch_item *item)
{
    struct span *names = arena_alloc(a, FIELD_COUNT * sizeof *names);
    imap_parse_sp(s);
    scan_byte(s, '(', "Expected a list of header names");
    do {
        if (item->field_count == FIELD_COUNT)
            scan_fail(s, "Too many header names");
        else
            names[item->field_count++] = imap_parse_astring(s, a);
    } while (scan_try(s, ' '));
    scan_byte(s, ')', "Expected ) after the header names");
    item->fields = names;
}

/* section-part = nz-number *("." nz-number) */
static void section_part(struct scan *s, struct arena *a, struct fetch_item *item)
{
    uint32_t *numbers = arena_alloc(a, NUMBER_COUNT * sizeof *numbers);
    item->numbers = numbers;
    int c;
    while ((c = scan_peek(s)) >= '0' && c <= '9') {
        uint32_t n = scan_u32(s, "Expected a part number");
        if (n == 0 || item->number_count == NUMBER_COUNT) {
            scan_fail(s, "No such part number");
            return;
        }
        numbers[item->number_count++] = n;
        if (!scan_try(s, '.'))
            return;
    }
    if (item->number_count == 0)
        return;
    c = scan_peek(s);
    if (c == ']' || c == -1)
        scan_fail(s, "Expected a part number or a section name after the dot");
}

/* section-text = section-msgtext / "MIME"; what follows the numbers and their dot. */
static void section_text(struct scan *s, struct arena *a, struct fetch_item *item)
{
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (!scan_try_word(s, texts[i].word))
            continue;
        item->text = texts[i].text;
        if (item->text == FETCH_MIME && item->number_count == 0)
            scan_fail(s, "MIME needs a part number");
        if (item->text == FETCH_FIELDS || item->text == FETCH_FIELDS_NOT)
            header_list(s, a, item);
        return;
    }
}

static bool astring_chars(struct span name)
{
    for (size_t i = 0; i < name.n; i++)
        if (!imap_parse_is_astring_char((unsigned char)name.p[i]))
            return false;
    return name.n > 0;
}

/* The label of the response says the section as the client did; names that are no atoms are
 * quoted. */
static void section_label(struct arena *a, struct fetch_item *item, struct span written)
{
    struct buf b;
    buf_init(&b, 1u << 20);
    buf_add(&b, item->label);
    if (item->field_count == 0) {
        buf_add(&b, written);
    } else {
        for (size_t i = 0; i < item->number_count; i++)
            buf_addf(&b, "%u.", item->numbers[i]);
        buf_addz(&b, item->text == FETCH_FIELDS ? "HEADER.FIELDS (" : "HEADER.FIELDS.NOT (");
        for (size_t i = 0; i < item->field_count; i++) {
            bool plain = astring_chars(item->fields[i]);
            buf_addf(&b, "%s%s%.*s%s", i ? " " : "", plain ? "" : "\"", SPAN_ARG(item->fields[i]),
                     plain ? "" : "\"");
        }
        buf_byte(&b, ')');
    }
    buf_byte(&b, ']');
    if (item->partial && item->kind != FETCH_BINARY_SIZE)
        buf_addf(&b, "<%llu>", (unsigned long long)item->from);
    item->label = arena_keep(a, buf_span(&b));
    buf_fini(&b);
}

/* section = "[" [section-spec] "]"; partial = "<" number64 "." nz-number64 ">"; behind the
 * bracket. */
static void section(struct scan *s, struct arena *a, struct fetch_item *item)
{
    size_t began = s->at;
    section_part(s, a, item);
    bool dotted = item->number_count > 0 && s->at > began && s->in.p[s->at - 1] == '.';
    if (item->kind == FETCH_SECTION && (item->number_count == 0 || dotted))
        section_text(s, a, item);
    if (dotted && item->text == FETCH_WHOLE)
        scan_fail(s, "Expected HEADER, TEXT or MIME");
    struct span written = scan_ok(s) ? span_of(s->in.p + began, s->at - began) : SPAN("");
    scan_byte(s, ']', "Expected ] after the section");
    if (scan_try(s, '<')) {
        item->partial = true;
        item->from = scan_u64(s, "Expected an offset");
        scan_byte(s, '.', "Expected . after the offset");
        item->max_bytes = scan_u64(s, "Expected a length");
        scan_byte(s, '>', "Expected > after the length");
        /* number64 has 63 bits */
        bool too_large = item->from > INT64_MAX || item->max_bytes > INT64_MAX;
        if (scan_ok(s) && (item->kind == FETCH_BINARY_SIZE || item->max_bytes == 0 || too_large))
            scan_fail(s, "A partial range is not possible here");
    }
    if (scan_ok(s))
        section_label(a, item, written);
}

/* "PREVIEW" [SP "(" preview-mod *(SP preview-mod) ")"]    RFC 8970 §6. The text is stored with the message, so that LAZY
 * makes no difference. */
static void preview_modifiers(struct scan *s)
{
    if (!scan_try_word(s, SPAN(" (LAZY")))
        return;
    while (scan_try_word(s, SPAN(" LAZY")))
        ;
    scan_byte(s, ')', "Unknown PREVIEW modifier");
}

static void fetch_att(struct scan *s, struct arena *a, struct fetch_items *out)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        struct scan before = *s;
        if (!scan_try_word(s, words[i].word))
            continue;
        struct fetch_item *item = add(s, a, out, words[i].kind);
        if (!item)
            return;
        item->text = words[i].text;
        if (words[i].section)
            section(s, a, item);
        else if (words[i].kind == FETCH_PREVIEW)
            preview_modifiers(s);
        else if (words[i].kind == FETCH_SECTION) /* RFC822, .HEADER, .TEXT of RFC 3501 */
            item->label = span_of(before.in.p + before.at, words[i].word.n);
        out->sets_seen |= words[i].sets_seen;
        out->outline |= needs_outline(item->kind, item->text, item->number_count);
        return;
    }
    scan_fail(s, "Unknown FETCH item");
}

static bool fetch_macro(struct scan *s, struct arena *a, struct fetch_items *out)
{
    for (size_t i = 0; i < sizeof macros / sizeof *macros; i++) {
        if (!scan_try_word(s, macros[i].word))
            continue;
        for (size_t k = 0; k < macros[i].n; k++) {
            add(s, a, out, macros[i].kinds[k]);
            out->outline |= needs_outline(macros[i].kinds[k], FETCH_WHOLE, 0);
        }
        return true;
    }
    return false;
}

/* partial-range = nz-number ":" nz-number / "-" nz-number ":" "-" nz-number; either end may come
 * first. RFC 9394 §4 */
static void partial_range(struct scan *s, struct fetch_items *out)
{
    out->from_end = scan_try(s, '-');
    uint32_t a = scan_u32(s, "Expected a number after PARTIAL");
    scan_byte(s, ':', "Expected : between the numbers");
    if (out->from_end)
        scan_byte(s, '-', "Both ends of a range count from the same end");
    uint32_t b = scan_u32(s, "Expected a number after :");
    if (scan_ok(s) && (a == 0 || b == 0))
        scan_fail(s, "Numbers begin at 1");
    out->partial_first = a < b ? a : b;
    out->partial_last = a < b ? b : a;
}

/* fetch-modifiers = SP "(" fetch-modifier *(SP fetch-modifier) ")"    RFC 4466 §2.4, RFC 7162
 * §3.1.4 and §3.2.6, RFC 9394 §3.3 */
static void modifiers(struct scan *s, struct fetch_items *out)
{
    if (!scan_try(s, ' '))
        return;
    scan_byte(s, '(', "Expected ( before the modifiers");
    do {
        if (!out->conditional && scan_try_word(s, SPAN("CHANGEDSINCE "))) {
            out->conditional = true;
            out->changedsince = scan_u64(s, "Expected a MODSEQ after CHANGEDSINCE");
        } else if (!out->partial_first && scan_try_word(s, SPAN("PARTIAL "))) {
            partial_range(s, out);
        } else if (!out->vanished && scan_try_word(s, SPAN("VANISHED"))) {
            out->vanished = true;
        } else {
            scan_fail(s, "Unknown FETCH modifier");
        }
    } while (scan_try(s, ' '));
    scan_byte(s, ')', "Expected ) after the modifiers");
    if (scan_ok(s) && out->vanished && !out->conditional)
        scan_fail(s, "VANISHED needs CHANGEDSINCE");
}

static bool has(const struct fetch_items *items, enum fetch_kind kind)
{
    for (size_t i = 0; i < items->n; i++)
        if (items->list[i].kind == kind)
            return true;
    return false;
}

void imap_fetch_parse_list(struct scan *s, struct arena *a, struct fetch_items *out)
{
    *out = (struct fetch_items){0};
    scan_byte(s, '(', "Expected ( before the items");
    do
        fetch_att(s, a, out);
    while (scan_try(s, ' '));
    scan_byte(s, ')', "Expected ) after the items");
}

void imap_fetch_parse(struct scan *s, struct arena *a, bool uid, struct fetch_items *out)
{
    *out = (struct fetch_items){0};
    if (uid) /* RFC 9051 §6.4.9: the UID is always in the response */
        add(s, a, out, FETCH_UID);
    if (scan_try(s, '(')) {
        do
            fetch_att(s, a, out);
        while (scan_try(s, ' '));
        scan_byte(s, ')', "Expected ) after the items");
    } else if (!fetch_macro(s, a, out)) {
        fetch_att(s, a, out);
    }
    modifiers(s, out);
    scan_end(s, "Something follows the items");
    /* CHANGEDSINCE implies MODSEQ, RFC 7162 §3.1.4.1. */
    if (scan_ok(s) && out->conditional && !has(out, FETCH_MODSEQ))
        add(s, a, out, FETCH_MODSEQ);
    size_t kept = 0;
    for (size_t i = 0; i < out->n; i++) { /* UID FETCH n (UID ...) names it once */
        if (!(uid && i > 0 && out->list[i].kind == FETCH_UID))
            out->list[kept++] = out->list[i];
    }
    out->n = kept;
}
