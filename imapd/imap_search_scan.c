#include "imapd/imap_search.h"
#include "message/fold.h"
#include "message/header.h"
#include "message/words.h"

/* Room: HEADER, BODY and TEXT: fields with their encoded words decoded, and the text as store/body_text.h gives it. One pass
 * looks for all keys of the program, so that a message is decoded once however many there are. */

#define FIELDS_BYTES (32u << 10) /* of fields in one step */
#define FIELDS_WORK 20000        /* fields times keys */
#define PIECE_WORK (2u << 20)    /* bytes of text times words in one step */
#define SUBJECT_BYTES 900        /* a longer one may have been cut in the outline */

void imap_search_scan_init(struct search_scan *s, struct search_program *p)
{
    *s = (struct search_scan){.program = p};
    if (p->scans > 0)
        body_text_init(&s->text);
}

void imap_search_scan_fini(struct search_scan *s)
{
    if (s->program && s->program->scans > 0)
        body_text_fini(&s->text);
}

void imap_search_scan_reset(struct search_scan *s, struct search_message *m)
{
    s->pass = SCAN_NOTHING;
    for (unsigned i = 0; i < s->program->scans; i++) {
        const struct search_key *k = s->program->scan_keys[i];
        /* every message holds the empty text; an empty field is still to be found */
        bool told = k->word_count == 0 && k->kind != SEARCH_HEADER;
        m->scanned[i] = told ? SEARCH_YES : SEARCH_NEEDS_SCAN;
        m->words[i] = 0;
        m->exactly[i] = false;
    }
}

/* Which words of the key lie in this text; *exactly: the whole text of a fuzzy one. */
static uint32_t words_in(const struct search_key *k, struct span text, uint32_t have, bool *exactly)
{
    for (size_t i = 0; i < k->word_count; i++) {
        if (!(have & 1u << i) && fold_find(text, k->words[i]))
            have |= 1u << i;
    }
    if (k->fuzzy && !*exactly)
        *exactly = fold_find(text, k->text);
    return have;
}

static bool all_words(const struct search_key *k, uint32_t have)
{
    return have == (uint32_t)((UINT64_C(1) << k->word_count) - 1);
}

/* --- fields --- */

/* One field against the header keys that name it; it is decoded if there is one. */
static void look_at_field(struct search_scan *s, struct search_message *m,
                          const struct header_field *field)
{
    struct span value = SPAN("");
    bool decoded = false;
    for (unsigned i = 0; i < s->program->scans; i++) {
        const struct search_key *k = s->program->scan_keys[i];
        if (k->kind != SEARCH_HEADER || m->scanned[i] != SEARCH_NEEDS_SCAN ||
            !span_eq_ci(field->name, k->name))
            continue;
        if (!decoded && k->word_count > 0) {
            arena_reset(m->arena);
            value =
                fold_key(m->arena, words_decode(m->arena, header_unfold(m->arena, field->value)));
            decoded = true;
        }
        /* A field is one text: words of a fuzzy key in several fields are not together. */
        if (all_words(k, words_in(k, value, 0, &m->exactly[i])))
            m->scanned[i] = SEARCH_YES;
    }
}

static void end_fields(struct search_scan *s, struct search_message *m)
{
    for (unsigned i = 0; i < s->program->scans; i++) {
        if (s->program->scan_keys[i]->kind == SEARCH_HEADER && m->scanned[i] == SEARCH_NEEDS_SCAN)
            m->scanned[i] = SEARCH_NO;
    }
    s->pass = SCAN_NOTHING;
}

static void step_fields(struct search_scan *s, struct search_message *m)
{
    struct header_field field;
    size_t before = s->fields.n;
    for (size_t work = 0; work < FIELDS_WORK && before - s->fields.n < FIELDS_BYTES;
         work += s->program->scans) {
        if (!header_next(&s->fields, &field)) {
            end_fields(s, m);
            return;
        }
        look_at_field(s, m, &field);
    }
}

/* A subject that stands in the outline answers without the header, if it holds the key. */
static bool is_told_subject(struct search_message *m, const struct search_key *k, unsigned i)
{
    if (k->word_count == 0 || !span_eq_ci(k->name, SPAN("Subject")) ||
        !imap_search_match_outline(m) || m->outline.subject.n >= SUBJECT_BYTES)
        return false;
    struct span subject = fold_key(m->arena, m->outline.subject);
    return all_words(k, words_in(k, subject, 0, &m->exactly[i]));
}

/* --- text --- */

static bool is_open(const struct search_scan *s, const struct search_message *m, unsigned i)
{
    enum search_kind kind = s->program->scan_keys[i]->kind;
    return m->scanned[i] == SEARCH_NEEDS_SCAN &&
           (kind == SEARCH_TEXT || (kind == SEARCH_BODY && s->pass == SCAN_BODY));
}

/* The end of a needle that began in the piece before is found by repeating that much. */
static size_t overlap(const struct search_program *p)
{
    size_t most = 1;
    for (unsigned i = 0; i < p->scans; i++) {
        const struct search_key *k = p->scan_keys[i];
        if (k->kind == SEARCH_HEADER)
            continue;
        most = k->fuzzy && k->text.n > most ? k->text.n : most;
        for (size_t w = 0; w < k->word_count; w++)
            most = k->words[w].n > most ? k->words[w].n : most;
    }
    return most - 1;
}

/* What a pass through the body did not find may still stand in a header: that is another pass. */
static void end_text(struct search_scan *s, struct search_message *m)
{
    enum search_kind kind = s->pass == SCAN_BODY ? SEARCH_BODY : SEARCH_TEXT;
    for (unsigned i = 0; i < s->program->scans; i++) {
        if (m->scanned[i] == SEARCH_NEEDS_SCAN && s->program->scan_keys[i]->kind == kind)
            m->scanned[i] = SEARCH_NO;
        if (m->scanned[i] == SEARCH_NEEDS_SCAN)
            m->words[i] = 0;
    }
    s->pass = SCAN_NOTHING;
}

/* The open keys in the piece, as many as one step may take. */
static void step_piece(struct search_scan *s, struct search_message *m)
{
    size_t work = 0;
    for (; s->at < s->program->scans && work < PIECE_WORK; s->at++) {
        const struct search_key *k = s->program->scan_keys[s->at];
        if (!is_open(s, m, s->at))
            continue;
        work += s->piece.n * (k->word_count + 1);
        m->words[s->at] = words_in(k, s->piece, m->words[s->at], &m->exactly[s->at]);
        if (all_words(k, m->words[s->at]))
            m->scanned[s->at] = SEARCH_YES;
    }
    s->in_piece = s->at < s->program->scans;
    if (!s->in_piece && s->last)
        end_text(s, m);
}

static void step_text(struct search_scan *s, struct search_message *m)
{
    bool more;
    if (!s->in_piece) {
        m->err = body_text_step(&s->text, m->t, &s->piece, &more, &m->fault);
        if (m->err != ERR_OK)
            return;
        s->last = !more;
        s->at = 0;
    }
    step_piece(s, m);
}

/* --- */

static void begin(struct search_scan *s, struct search_message *m, unsigned scan)
{
    enum search_kind kind = s->program->scan_keys[scan]->kind;
    s->in_piece = false;
    s->pass = kind == SEARCH_HEADER ? SCAN_HEADER : kind == SEARCH_BODY ? SCAN_BODY : SCAN_TEXT;
    if (s->pass != SCAN_HEADER) {
        body_text_begin(&s->text, m->msg->blob,
                        s->pass == SCAN_BODY ? BODY_TEXT_BODY : BODY_TEXT_ALL, overlap(s->program));
    } else if (is_told_subject(m, s->program->scan_keys[scan], scan)) {
        m->scanned[scan] = SEARCH_YES;
        s->pass = SCAN_NOTHING;
    } else if (imap_search_match_header(m)) {
        s->fields = buf_span(&m->header);
    }
}

void imap_search_scan_step(struct search_scan *s, struct search_message *m, unsigned scan)
{
    if (s->pass == SCAN_NOTHING)
        begin(s, m, scan);
    if (m->err != ERR_OK || s->pass == SCAN_NOTHING)
        return;
    if (s->pass == SCAN_HEADER)
        step_fields(s, m);
    else
        step_text(s, m);
}
