#include "store/msg.h"

#include "tests/unit/store/unit_mail.h"

/* --- one by one --- */

static void append_run(struct txn *t)
{
    struct span keywords[] = {SPAN("$Junk"), SPAN("x")};
    struct msg_new none = {.blob = 1};
    struct msg m;
    struct arena *a = arena_new();
    assert_int_equal(unit_append(t, unit_inbox, FLAGS_SEEN | FLAGS_DELETED), 1);
    assert_int_equal(unit_append_with(t, unit_inbox, 0, keywords, 2), 2);
    unit_assert_mail(t, unit_inbox, "1 SD,2 - $Junk x");
    unit_ok(msg_get(t, a, unit_inbox, 2, &m, f));
    assert_int_equal(m.uid, 2);
    assert_int_equal(m.internal.utc, 1700000000);
    assert_int_equal(m.internal.zone_minutes, 60);
    assert_int_equal(m.bytes, 25);
    assert_int_equal(m.modseq, txn_modseq(t));
    assert_true(m.saved == clock_wall() || m.saved == clock_wall() - 1);
    unit_assert_span(m.keywords, "\3");
    unit_err(msg_get(t, a, unit_inbox, 3, &m, f), ERR_NOTFOUND);
    unit_err(msg_append(t, 4711, &none, NULL, f), ERR_NOTFOUND);
    struct mailbox box = unit_mailbox(t, unit_inbox);
    assert_int_equal(box.messages, 2);
    assert_int_equal(box.unseen, 1);
    assert_int_equal(box.deleted, 1);
    assert_int_equal(box.bytes, 50);
    assert_int_equal(box.uidnext, 3);
    assert_int_equal(box.highestmodseq, txn_modseq(t));
    arena_free(&a);
}

static void expunge_run(struct txn *t)
{
    struct uidset uids = {0}, gone = {0};
    for (int i = 3; i <= 6; i++)
        (void)unit_append(t, unit_inbox, i % 2 ? FLAGS_DELETED : 0);
    uidset_add(&uids, 1, 4);
    uidset_add(&uids, 77, UINT32_MAX);
    unit_ok(msg_expunge(t, unit_inbox, &uids, true, &gone, f));
    unit_assert_uids(&gone, "1,3");
    unit_ok(msg_expunge(t, unit_inbox, &uids, true, &gone, f));
    unit_assert_uids(&gone, "");
    unit_ok(msg_uids(t, unit_inbox, &gone, f));
    unit_assert_uids(&gone, "2,4:6");
    unit_ok(msg_expunge(t, unit_inbox, &uids, false, &gone, f));
    unit_assert_uids(&gone, "2,4");
    unit_ok(msg_expunge(t, unit_inbox, NULL, true, &gone, f));
    unit_assert_uids(&gone, "5");
    unit_ok(msg_expunge(t, unit_inbox, NULL, false, NULL, f));
    unit_err(msg_expunge(t, 4711, NULL, false, NULL, f), ERR_NOTFOUND);
    assert_int_equal(unit_append(t, unit_inbox, 0), 7); /* UIDs are never given again */
    unsigned n;
    unit_ok(msg_purge(t, unit_inbox, 9, &n, f));
    assert_int_equal(n, 1);
    struct mailbox box = unit_mailbox(t, unit_inbox);
    assert_int_equal(box.messages + box.unseen + box.deleted + box.bytes, 0);
    uidset_fini(&uids);
    uidset_fini(&gone);
}

static void msg_append_and_expunge(void **state)
{
    (void)state;
    struct store *st = unit_mail_open();
    unit_run(st, append_run);
    unit_check_clean(st);
    unit_run(st, expunge_run);
    unit_mail_close(&st);
}

/* --- picks: sparse and dense, with gaps of all sizes --- */

static void pick_make(struct txn *t)
{
    static const char text[] = "\r\n";
    struct msg_new m = {.blob = unit_body(t, text, 9000), .bytes = 2};
    for (int i = 0; i < 9000; i++)
        unit_ok(msg_append(t, unit_inbox, &m, NULL, f));
}

static void assert_pick(struct txn *t, const struct uidset *uids, uint32_t below)
{
    struct uidset got = {0}, expected = {0};
    struct msg_pick p;
    struct msg m;
    msg_pick(&p, t, unit_inbox, uids, below);
    while (msg_pick_next(&p, &m)) {
        assert_true(m.uid > uidset_last(&got));
        uidset_add(&got, m.uid, m.uid);
    }
    assert_false(msg_pick_next(&p, &m));
    unit_ok(msg_pick_end(&p, f));
    uidset_add(&expected, 1, 9000);
    if (below <= 9000)
        uidset_remove(&expected, below, UINT32_MAX);
    if (uids)
        uidset_intersect(&expected, uids);
    assert_int_equal(got.n, expected.n);
    if (got.n)
        assert_memory_equal(got.ranges, expected.ranges, got.n * sizeof *got.ranges);
    uidset_fini(&got);
    uidset_fini(&expected);
}

static void pick_run(struct txn *t)
{
    struct uidset uids = {0};
    assert_pick(t, NULL, UINT32_MAX);
    assert_pick(t, NULL, 77);
    assert_pick(t, &uids, UINT32_MAX);
    static const uint32_t steps[] = {1, 2, 63, 64, 65, 66, 100, 2047, 2049, 5000, 20000, 4294967};
    for (size_t i = 0; i < UNIT_COUNT(steps); i++) {
        for (int wide = 0; wide < 2; wide++) {
            uidset_clear(&uids);
            for (uint64_t uid = 3; uid < 100000 || (uid < 4000000000 && steps[i] > 100000);
                 uid += steps[i])
                uidset_add(&uids, (uint32_t)uid, (uint32_t)uid + (wide ? steps[i] / 2 : 0));
            assert_pick(t, &uids, UINT32_MAX);
            assert_pick(t, &uids, 4000);
        }
    }
    uidset_fini(&uids);
}

static void msg_picking(void **state)
{
    (void)state;
    struct store *st = unit_mail_open();
    unit_run(st, pick_make);
    unit_run(st, pick_run);
    unit_mail_close(&st);
}

/* --- random operations against a model --- */

#define BOXES 3
#define KEYWORDS 11
#define MODEL_MAX 60

struct model_msg {
    uint32_t uid, flags;
    unsigned keywords; /* by the number of their name */
};
static struct model {
    uint64_t id;
    uint32_t uidnext;
    struct model_msg list[MODEL_MAX];
    size_t n;
} model[BOXES];

static char keyword_names[KEYWORDS][8];

/* The names of a set of keywords, in an order that differs from time to time. */
static size_t keyword_list(unsigned set, struct span *out)
{
    size_t n = 0, shift = (size_t)rand() % KEYWORDS;
    for (size_t i = 0; i < KEYWORDS; i++) {
        size_t k = (i + shift) % KEYWORDS;
        if (set >> k & 1)
            out[n++] = span_cstr(keyword_names[k]);
    }
    return n;
}

static unsigned random_keywords(void)
{
    return (unsigned)(rand() & rand()) & ((1u << KEYWORDS) - 1);
}

static void model_append(struct txn *t, struct model *b)
{
    struct span names[KEYWORDS];
    struct model_msg m = {b->uidnext, (uint32_t)rand() % 32, rand() % 2 ? random_keywords() : 0};
    size_t n = keyword_list(m.keywords, names);
    if (b->n == MODEL_MAX)
        return;
    assert_int_equal(unit_append_with(t, b->id, m.flags, names, n), m.uid);
    b->list[b->n++] = m;
    b->uidnext++;
}

static void random_uids(const struct model *b, struct uidset *s)
{
    uidset_clear(s);
    for (int i = rand() % 4; i >= 0; i--) {
        uint32_t first = 1 + (uint32_t)rand() % (b->uidnext + 3);
        uidset_add(s, first, first + (uint32_t)rand() % 8);
    }
}

static void model_flags(struct txn *t, struct model *b)
{
    struct span names[KEYWORDS];
    struct uidset uids = {0}, changed = {0}, modified = {0};
    unsigned keywords = rand() % 2 ? random_keywords() : 0;
    struct flags_change c = {.how = (enum flags_how)(rand() % 3),
                             .wanted = {(uint32_t)rand() % 32, names, 0}};
    c.wanted.keyword_count = keyword_list(keywords, names);
    random_uids(b, &uids);
    unit_ok(flags_store(t, b->id, &uids, &c, &changed, &modified, f));
    for (size_t i = 0; i < b->n; i++) {
        struct model_msg *m = &b->list[i], old = *m;
        if (!uidset_has(&uids, m->uid))
            continue;
        uint32_t f = c.wanted.system;
        m->flags = c.how == FLAGS_REPLACE ? f : c.how == FLAGS_ADD ? m->flags | f : m->flags & ~f;
        m->keywords = c.how == FLAGS_REPLACE ? keywords
                      : c.how == FLAGS_ADD   ? m->keywords | keywords
                                             : m->keywords & ~keywords;
        assert_int_equal(uidset_has(&changed, m->uid),
                         old.flags != m->flags || old.keywords != m->keywords);
    }
    uidset_fini(&uids);
    uidset_fini(&changed);
    uidset_fini(&modified);
}

static void model_copy(struct txn *t, struct model *from, struct model *to, bool move)
{
    struct uidset uids = {0}, was = {0}, is = {0};
    struct model old = *from;
    if (to->n + from->n > MODEL_MAX)
        return;
    random_uids(from, &uids);
    if (move)
        unit_ok(msg_move(t, from->id, &uids, to->id, &was, &is, f));
    else
        unit_ok(msg_copy(t, from->id, &uids, to->id, &was, &is, f));
    uint32_t n = 0;
    if (move)
        from->n = 0;
    for (size_t i = 0; move && i < old.n; i++) {
        if (!uidset_has(&uids, old.list[i].uid))
            from->list[from->n++] = old.list[i];
    }
    for (size_t i = 0; i < old.n; i++) {
        struct model_msg m = old.list[i];
        if (!uidset_has(&uids, m.uid))
            continue;
        assert_int_equal(uidset_nth(&was, ++n), m.uid);
        m.uid = to->uidnext++;
        assert_int_equal(uidset_nth(&is, n), m.uid);
        to->list[to->n++] = m;
    }
    assert_int_equal(uidset_count(&was), n);
    assert_int_equal(uidset_count(&is), n);
    uidset_fini(&uids);
    uidset_fini(&was);
    uidset_fini(&is);
}

static void model_expunge(struct txn *t, struct model *b)
{
    struct uidset uids = {0}, gone = {0};
    struct model old = *b;
    bool all = rand() % 3 == 0, only_deleted = rand() % 2;
    random_uids(b, &uids);
    unit_ok(msg_expunge(t, b->id, all ? NULL : &uids, only_deleted, &gone, f));
    b->n = 0;
    for (size_t i = 0; i < old.n; i++) {
        const struct model_msg *m = &old.list[i];
        bool goes =
            (all || uidset_has(&uids, m->uid)) && (!only_deleted || m->flags & FLAGS_DELETED);
        assert_int_equal(uidset_has(&gone, m->uid), goes);
        if (!goes)
            b->list[b->n++] = *m;
    }
    uidset_fini(&uids);
    uidset_fini(&gone);
}

static void assert_model(struct txn *t, const struct model *b)
{
    struct mailbox box = unit_mailbox(t, b->id);
    struct arena *a = arena_new();
    struct span *names;
    size_t n, unseen = 0, deleted = 0, at = 0;
    struct msg_walk w;
    struct msg m;
    unit_ok(flags_keywords(t, a, b->id, &names, &n, f));
    msg_walk(&w, t, b->id, 1, false);
    for (; msg_walk_next(&w, &m); at++) {
        unsigned keywords = 0;
        assert_true(at < b->n);
        for (size_t i = 0; i < n; i++) {
            for (unsigned k = 0; k < KEYWORDS; k++) {
                if (flags_bit(m.keywords, i) && span_eq_ci(names[i], span_cstr(keyword_names[k])))
                    keywords |= 1u << k;
            }
        }
        assert_int_equal(m.uid, b->list[at].uid);
        assert_int_equal(m.flags, b->list[at].flags);
        assert_int_equal(keywords, b->list[at].keywords);
        unseen += !(m.flags & FLAGS_SEEN);
        deleted += (m.flags & FLAGS_DELETED) != 0;
    }
    unit_ok(msg_walk_end(&w, f));
    assert_int_equal(at, b->n);
    assert_int_equal(box.messages, b->n);
    assert_int_equal(box.unseen, unseen);
    assert_int_equal(box.deleted, deleted);
    assert_int_equal(box.bytes, b->n * 25);
    assert_int_equal(box.uidnext, b->uidnext);
    arena_free(&a);
}

static void model_start(struct txn *t)
{
    static const char *const names[BOXES] = {"INBOX", "Sent", "Trash"};
    for (int i = 0; i < BOXES; i++)
        model[i] = (struct model){.id = unit_box(t, names[i]), .uidnext = 1};
    for (int i = 0; i < KEYWORDS; i++)
        (void)snprintf(keyword_names[i], sizeof keyword_names[i], "key%d", i);
}

static void model_step(struct txn *t)
{
    for (int ops = rand() % 4; ops >= 0; ops--) {
        struct model *b = &model[rand() % BOXES], *other = &model[rand() % BOXES];
        switch (rand() % 6) {
        case 0:
        case 1:
            model_append(t, b);
            break;
        case 2:
            model_flags(t, b);
            break;
        case 3:
            model_copy(t, b, other, false);
            break;
        case 4:
            model_copy(t, b, other, true);
            break;
        default:
            if (rand() % 3 == 0)
                model_expunge(t, b);
        }
    }
    for (int i = 0; i < BOXES; i++)
        assert_model(t, &model[i]);
}

static void msg_random(void **state)
{
    (void)state;
    struct store *st = unit_mail_open();
    unit_run(st, model_start);
    srand(42);
    for (int i = 0; i < 400; i++) {
        unit_run(st, model_step);
        if (i % 20 == 0)
            unit_check_clean(st);
    }
    unit_mail_close(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_dir(msg_append_and_expunge),
        unit_test_dir(msg_picking),
        unit_test_dir(msg_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
