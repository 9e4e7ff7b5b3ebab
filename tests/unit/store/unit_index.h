#pragma once /* tests/unit/store/unit_index.h: messages of random words, and the index held against reading them all */
#include "message/fold.h"
#include "store/housekeeping.h"
#include "store/index.h"
#include "store/index_build.h"
#include "tests/unit/store/unit_mail.h"

/* Always the same numbers. */
static uint64_t unit_seed = 1;
static inline uint32_t unit_random(uint32_t n)
{
    unit_seed = unit_seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(unit_seed >> 33) % n;
}

static const char *const unit_words[] = {
    "report", "the",    "meeting", "zanzibar", "Größe", "żółć",  "привет", "東京",
    "日本語", "한국어", "a",       "of",       "x-y",   "été",   "naïve",  "Ελλάδα",
    "=?",     "100%",   "\t",      "<b>",      "İ",     "\xff",  "שלום",   "ไทย",
    "🙂",   "aaaa",   "aaa",     "0000",     "end.",  "\xe9t",
};

static inline void unit_random_text(struct buf *out, unsigned words)
{
    for (unsigned i = 0; i < words; i++)
        (void)buf_addf(out, "%s%s", unit_words[unit_random(UNIT_COUNT(unit_words))],
                       unit_random(8)   ? " "
                       : unit_random(2) ? ""
                                        : "\r\n");
}

#define UNIT_BODIES_MAX 5000u
static uint64_t unit_bodies[UNIT_BODIES_MAX]; /* ascending */
static uint32_t unit_uids[UNIT_BODIES_MAX];
static size_t unit_body_count;

static inline void unit_random_message(struct buf *b)
{
    buf_reset(b);
    (void)buf_addz(b, "Subject: ");
    (void)buf_addf(b, "%s %s\r\n", unit_words[unit_random(4)], unit_words[unit_random(10)]);
    if (unit_random(4) == 0) {
        (void)buf_addz(
            b, "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nX-Part: zan\r\n\r\n");
        unit_random_text(b, 10);
        (void)buf_addz(b, "\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner ");
    } else {
        (void)buf_addz(b, "Content-Type: text/plain; charset=utf-8\r\n\r\n");
    }
    unit_random_text(b, 1 + unit_random(30));
    (void)buf_byte(b, '\0');
}

static size_t unit_wanted;
static inline void unit_add_bodies(struct txn *t)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    for (size_t i = 0; i < unit_wanted; i++) {
        unit_random_message(&text);
        uint64_t id = unit_body(t, text.p, 1);
        struct msg_new m = {.blob = id, .bytes = text.n - 1, .internal = {1700000000, 0}};
        unit_ok(msg_append(t, unit_inbox, &m, &unit_uids[unit_body_count], f));
        assert_true(unit_body_count < UNIT_BODIES_MAX);
        unit_bodies[unit_body_count++] = id;
    }
    buf_fini(&text);
}

/* n more messages of random words. */
static inline void unit_index_fill(struct store *st, size_t n)
{
    unit_wanted = n;
    unit_run(st, unit_add_bodies);
}

static inline struct store *unit_index_open(void)
{
    unit_body_count = 0;
    return unit_mail_open();
}

static inline void unit_index_all(struct store *st)
{
    unit_ok(index_build_all(housekeeping_index(st), f));
}

static inline struct index_state unit_index_state(struct store *st)
{
    struct index_state is;
    unit_ok(index_state(st, &is, f));
    return is;
}

/* Whether the text of a body holds the needle. */
static inline bool unit_holds(struct txn *t, struct body_text *b, uint64_t body, unsigned what,
                              struct span needle)
{
    bool more = true, hit = false;
    body_text_begin(b, body, what, needle.n - 1);
    while (more && !hit) {
        struct span piece;
        unit_ok(body_text_step(b, t, &piece, &more, f));
        hit = fold_find(piece, needle);
    }
    return hit;
}

/* Nothing that holds the needle is ruled out. Returns how many are left. */
static inline size_t unit_index_never_wrong(struct store *st, unsigned what, struct span needle)
{
    static unsigned char maybe[UNIT_BODIES_MAX];
    struct body_text b;
    struct txn *t = unit_read(st);
    size_t left = 0;
    body_text_init(&b);
    memset(maybe, 1, sizeof maybe);
    unit_ok(index_filter_in(t, what, &needle, 1, unit_bodies, unit_body_count, maybe, f));
    for (size_t i = 0; i < unit_body_count; i++) {
        left += maybe[i];
        if (!maybe[i] && unit_holds(t, &b, unit_bodies[i], what, needle))
            fail_msg("body %zu holds \"%.*s\"", i, SPAN_ARG(needle));
    }
    body_text_fini(&b);
    txn_read_end(&t);
    return left;
}
