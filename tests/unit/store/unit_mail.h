#pragma once /* tests/unit/store/unit_mail.h: a store with an account and mail in it, and the check after each test */
#include "common/clock.h"
#include "message/outline.h"
#include "store/blob.h"
#include "store/check.h"
#include "store/directory.h"
#include "store/mailbox.h"
#include "store/msg.h"
#include "store/schema.h"
#include "tests/unit/store/unit_store.h"

/* Within apply: fails the test where e is not what is expected. */
#define unit_ok(call)                                                                              \
    do {                                                                                           \
        struct fault unit_fault = FAULT_NONE, *f = &unit_fault;                                    \
        unit_assert_ok((call), f);                                                                 \
    } while (0)
#define unit_err(call, expected)                                                                   \
    do {                                                                                           \
        struct fault unit_fault = FAULT_NONE, *f = &unit_fault;                                    \
        assert_string_equal(fault_name(call), fault_name(expected));                               \
        assert_true((expected) == ERR_OK || f->text[0]);                                           \
    } while (0)

/* An operation whose apply lends its transaction to the test's thread, where a failed assertion can say what failed. */
struct unit_case {
    struct store_op op;
    pthread_mutex_t mutex;
    pthread_cond_t turned;
    struct txn *t; /* lent */
    bool over;     /* given back */
};

static inline enum err unit_case_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    struct unit_case *c = (struct unit_case *)(void *)op;
    (void)f;
    pthread_mutex_lock(&c->mutex);
    c->t = t;
    pthread_cond_broadcast(&c->turned);
    while (!c->over)
        pthread_cond_wait(&c->turned, &c->mutex);
    pthread_mutex_unlock(&c->mutex);
    return ERR_OK;
}

static enum err unit_case_result;

static inline void unit_case_done(struct store_op *op, enum err e, const struct fault *f)
{
    (void)op;
    (void)f;
    unit_case_result = e;
}

static struct unit_box unit_case_home = UNIT_BOX;

/* run is one operation. */
static inline void unit_run(struct store *st, void (*run)(struct txn *t))
{
    struct unit_case *c = mem_new(struct unit_case);
    c->op = (struct store_op){.apply = unit_case_apply,
                              .done = unit_case_done,
                              .home = &unit_case_home.post,
                              .actor = {.kind = ACTOR_IMAP, .session = {"unit"}}};
    pthread_mutex_init(&c->mutex, NULL);
    pthread_cond_init(&c->turned, NULL);
    committer_submit(st, &c->op);
    pthread_mutex_lock(&c->mutex);
    while (!c->t)
        pthread_cond_wait(&c->turned, &c->mutex);
    pthread_mutex_unlock(&c->mutex);
    run(c->t);
    pthread_mutex_lock(&c->mutex);
    c->over = true;
    pthread_cond_broadcast(&c->turned);
    pthread_mutex_unlock(&c->mutex);
    unit_case_result = ERR_COUNT;
    while (unit_case_result == ERR_COUNT)
        unit_box_run(&unit_case_home);
    assert_int_equal(unit_case_result, ERR_OK);
    mem_free(c);
}

/* --- the check --- */

struct unit_lines {
    char text[8192];
};

static inline void unit_line(void *arg, struct span line)
{
    struct unit_lines *l = arg;
    size_t n = strlen(l->text);
    (void)snprintf(l->text + n, sizeof l->text - n, "%.*s\n", SPAN_ARG(line));
}

static inline void unit_check_clean(struct store *st)
{
    struct unit_lines l = {""};
    struct check_totals sum;
    struct fault f = FAULT_NONE;
    unit_assert_ok(check_run(st, unit_line, NULL, &l, &sum, &f), &f);
    assert_string_equal(l.text, "");
    assert_int_equal(sum.broken, 0);
}

/* The check says "I<number> ... text". */
static inline void unit_check_finds(struct store *st, const char *number, const char *text)
{
    struct unit_lines l = {""};
    struct check_totals sum;
    struct fault f = FAULT_NONE;
    unit_assert_ok(check_run(st, unit_line, NULL, &l, &sum, &f), &f);
    for (char *line = l.text, *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        if (strncmp(line, number, strlen(number)) == 0 && line[strlen(number)] == ' ' &&
            strstr(line, text))
            return;
        *end = '\n';
    }
    fail_msg("no %s \"%s\" in:\n%s", number, text, l.text);
}

/* --- an account --- */

static uint64_t unit_account, unit_inbox;

static inline uint64_t unit_box(struct txn *t, const char *name)
{
    struct mailbox box;
    unit_ok(mailbox_find(t, NULL, unit_account, span_cstr(name), &box, f));
    return box.id;
}

static inline void unit_account_make(struct txn *t)
{
    unit_ok(directory_account_add(t, SPAN("ann@example.org"), SPAN("secret"), &unit_account, f));
    unit_inbox = unit_box(t, "INBOX");
}

static inline struct store *unit_mail_open(void)
{
    static struct store_options o;
    o = unit_options();
    struct store *st = unit_store_open(&o);
    unit_run(st, unit_account_make);
    return st;
}

static inline void unit_mail_close(struct store **st)
{
    unit_check_clean(*st);
    store_close(st);
}

/* --- mail --- */

/* Nothing is sent ahead of a short body: nothing comes here. */
static struct unit_box unit_home = UNIT_BOX;

static inline uint64_t unit_body(struct txn *t, const char *text, uint32_t refs)
{
    uint64_t id;
    struct buf outline;
    buf_init(&outline, OUTLINE_RECORD_MAX);
    struct outline_parser *p = outline_new(&outline_limits_default);
    outline_feed(p, span_cstr(text));
    outline_end(p, &outline);
    outline_free(&p);
    struct blob_writer *w = blob_begin(txn_store(t), &unit_home.post, NULL, NULL);
    blob_write(w, span_cstr(text));
    unit_ok(blob_put(t, w, buf_span(&outline), refs, &id, f));
    blob_end(&w, true);
    buf_fini(&outline);
    return id;
}

static inline uint32_t unit_append_with(struct txn *t, uint64_t mailbox, uint32_t flags,
                                        const struct span *keywords, size_t n)
{
    static const char text[] = "Subject: hello\r\n\r\nworld\r\n";
    struct msg_new m = {
        .blob = unit_body(t, text, 1),
        .bytes = sizeof text - 1,
        .internal = {1700000000, 60},
        .flags = {flags, keywords, n},
    };
    uint32_t uid = 0;
    unit_ok(msg_append(t, mailbox, &m, &uid, f));
    return uid;
}

static inline uint32_t unit_append(struct txn *t, uint64_t mailbox, uint32_t flags)
{
    return unit_append_with(t, mailbox, flags, NULL, 0);
}

static inline struct mailbox unit_mailbox(struct txn *t, uint64_t id)
{
    struct mailbox box;
    unit_ok(mailbox_get(t, NULL, id, &box, f));
    return box;
}

static inline void unit_assert_uids(const struct uidset *s, const char *text)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    assert_true(uidset_text(s, &b));
    unit_assert_same(buf_span(&b), span_cstr(text));
    buf_fini(&b);
}

/* All of a mailbox as "1 SD $Junk x,2 -": flags by the letters SAFDR, keywords in the order of their bits. */
static inline void unit_assert_mail(struct txn *t, uint64_t mailbox, const char *expected)
{
    struct arena *a = arena_new();
    struct buf b;
    struct span *names;
    size_t n;
    struct msg_walk w;
    struct msg m;
    unit_ok(flags_keywords(t, a, mailbox, &names, &n, f));
    buf_init(&b, 1 << 20);
    msg_walk(&w, t, mailbox, 1, true);
    while (msg_walk_next(&w, &m)) {
        (void)buf_addf(&b, "%s%u ", b.n ? "," : "", m.uid);
        for (int i = 0; i < 5; i++) {
            if (m.flags >> i & 1)
                (void)buf_byte(&b, "SAFDR"[i]);
        }
        if (!m.flags)
            (void)buf_byte(&b, '-');
        for (size_t i = 0; i < n; i++) {
            if (flags_bit(m.keywords, i))
                (void)buf_addf(&b, " %.*s", SPAN_ARG(names[i]));
        }
    }
    unit_ok(msg_walk_end(&w, f));
    unit_assert_same(buf_span(&b), span_cstr(expected));
    buf_fini(&b);
    arena_free(&a);
}
