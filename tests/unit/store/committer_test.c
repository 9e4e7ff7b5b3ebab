#include "store/committer.h"

#include "tests/unit/store/unit_store.h"

/* One kind of operation for all cases: it writes its name into the log of what was applied, and puts or fails as told. */
struct committer_case {
    struct store_op op;
    char name;
    bool puts;
    enum err fails; /* after having put, if it puts */
    bool blocks;    /* until committer_gone: so that a batch can gather behind it */
    unsigned applied;
    uint64_t modseq, modseq_again;
    uint64_t id;
    uint32_t uidvalidity;
    enum err told; /* by done */
};

static char committer_order[64], committer_told[64];
static pthread_mutex_t committer_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t committer_cond = PTHREAD_COND_INITIALIZER;
static bool committer_there, committer_gone;
static struct unit_box committer_box = UNIT_BOX;

static void committer_log(char *log, char name)
{
    size_t n = strlen(log);
    log[n] = name;
    log[n + 1] = '\0';
}

static enum err committer_case_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    struct committer_case *c = (struct committer_case *)(void *)op;
    c->applied++;
    pthread_mutex_lock(&committer_mutex);
    committer_there = true;
    pthread_cond_broadcast(&committer_cond);
    while (c->blocks && !committer_gone)
        pthread_cond_wait(&committer_cond, &committer_mutex);
    pthread_mutex_unlock(&committer_mutex);
    committer_log(committer_order, c->name);
    assert_true(txn_writes(t));
    assert_int_equal(txn_actor(t)->account, (uint64_t)c->name);
    c->modseq = txn_modseq(t);
    c->modseq_again = txn_modseq(t);
    enum err e = txn_new_id(t, &c->id, f);
    if (e == ERR_OK)
        e = txn_new_uidvalidity(t, &c->uidvalidity, f);
    if (e == ERR_OK && c->puts)
        e = table_put(t, TABLE_NAME, span_of(&c->name, 1), SPAN("put"), f);
    return e == ERR_OK && c->fails ? fault_set(f, c->fails, "case %c", c->name) : e;
}

static void committer_case_done(struct store_op *op, enum err e, const struct fault *f)
{
    struct committer_case *c = (struct committer_case *)(void *)op;
    assert_int_equal(e, f->kind);
    c->told = e;
    committer_log(committer_told, c->name);
}

static struct committer_case committer_case(char name, bool puts, enum err fails)
{
    return (struct committer_case){
        .op = {.apply = committer_case_apply,
               .done = committer_case_done,
               .home = &committer_box.post,
               .actor = {.kind = ACTOR_ADMIN, .account = (uint64_t)name}},
        .name = name,
        .puts = puts,
        .fails = fails,
        .told = ERR_COUNT};
}

/* The first of them holds the committer until all are there. */
static void committer_run_together(struct store *st, struct committer_case *cases, size_t n)
{
    committer_order[0] = committer_told[0] = '\0';
    committer_there = committer_gone = false;
    struct committer_case first = committer_case('-', false, ERR_OK);
    first.blocks = true;
    committer_submit(st, &first.op);
    pthread_mutex_lock(&committer_mutex);
    while (!committer_there)
        pthread_cond_wait(&committer_cond, &committer_mutex);
    pthread_mutex_unlock(&committer_mutex);
    for (size_t i = 0; i < n; i++)
        committer_submit(st, &cases[i].op);
    pthread_mutex_lock(&committer_mutex);
    committer_gone = true;
    pthread_cond_broadcast(&committer_cond);
    pthread_mutex_unlock(&committer_mutex);
    while (strlen(committer_told) < n + 1)
        unit_box_run(&committer_box);
}

static void committer_keeps_the_order(void **state)
{
    (void)state;
    struct store_options o = unit_options();
    o.batch_count = 3;
    struct store *st = unit_store_open(&o);
    struct committer_case cases[10];
    for (size_t i = 0; i < UNIT_COUNT(cases); i++)
        cases[i] = committer_case((char)('a' + i), true, ERR_OK);
    committer_run_together(st, cases, UNIT_COUNT(cases));
    assert_string_equal(committer_order, "-abcdefghij");
    assert_string_equal(committer_told, "-abcdefghij");
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        assert_int_equal(cases[i].told, ERR_OK);
        assert_int_equal(cases[i].modseq, cases[i].modseq_again);
        if (i == 0)
            continue;
        assert_true(cases[i].modseq > cases[i - 1].modseq);
        assert_true(cases[i].id > cases[i - 1].id);
        assert_true(cases[i].uidvalidity > cases[i - 1].uidvalidity);
    }
    store_close(&st);
}

static void committer_lets_others_live(void **state)
{
    (void)state;
    static const struct {
        bool puts;
        const char *order;
    } ways[] = {
        {false, "-abcd"}, /* fails alone */
        {true, "-abacd"}, /* undone, and the others again */
    };
    for (size_t i = 0; i < UNIT_COUNT(ways); i++) {
        struct store_options o = unit_options();
        struct store *st = unit_store_open(&o);
        struct committer_case cases[] = {
            committer_case('a', true, ERR_OK), committer_case('b', ways[i].puts, ERR_LIMIT),
            committer_case('c', true, ERR_OK), committer_case('d', false, ERR_NOTFOUND)};
        committer_run_together(st, cases, UNIT_COUNT(cases));
        assert_string_equal(committer_order, ways[i].order);
        assert_string_equal(committer_told, "-abcd");
        assert_int_equal(cases[0].told, ERR_OK);
        assert_int_equal(cases[1].told, ERR_LIMIT);
        assert_string_equal(cases[1].op.fault.text, "case b");
        assert_int_equal(cases[2].told, ERR_OK);
        assert_int_equal(cases[3].told, ERR_NOTFOUND);
        unit_assert_span(unit_value(st, TABLE_NAME, SPAN("a")), "put");
        unit_assert_span(unit_value(st, TABLE_NAME, SPAN("b")), "(none)");
        unit_assert_span(unit_value(st, TABLE_NAME, SPAN("c")), "put");
        store_close(&st);
        assert_int_equal(unit_dir_remove(NULL), 0);
        assert_int_equal(unit_dir_make(NULL), 0);
    }
}

static void committer_never_gives_a_number_twice(void **state)
{
    (void)state;
    struct store_options o = unit_options();
    struct committer_case last = committer_case('x', false, ERR_OK);
    for (unsigned i = 0; i < 3; i++) {
        struct store *st = unit_store_open(&o);
        struct committer_case now = committer_case('x', false, ERR_OK);
        assert_int_equal(committer_run(st, &now.op, NULL), ERR_OK);
        assert_true(now.modseq > last.modseq && now.id > last.id &&
                    now.uidvalidity > last.uidvalidity);
        assert_true(now.uidvalidity > 0);
        last = now;
        store_close(&st);
    }
}

static enum err committer_raise_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    (void)op;
    (void)f;
    txn_raise(t, 5000, 6000, 4000000000u);
    txn_raise(t, 1, 1, 1);
    return ERR_OK;
}

static void committer_raises_numbers(void **state)
{
    (void)state;
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    struct store_op raise_op = {.apply = committer_raise_apply};
    assert_int_equal(committer_run(st, &raise_op, NULL), ERR_OK);
    store_close(&st);
    st = unit_store_open(&o);
    struct committer_case now = committer_case('x', false, ERR_OK);
    assert_int_equal(committer_run(st, &now.op, NULL), ERR_OK);
    assert_int_equal(now.modseq, 5001);
    assert_int_equal(now.id, 6001);
    assert_int_equal(now.uidvalidity, 4000000001u);
    store_close(&st);
}

/* --- announcements --- */

struct committer_note {
    struct post_note note;
    char name;
};

static void committer_note_run(struct post_note *note)
{
    committer_log(committer_told, ((struct committer_note *)(void *)note)->name);
    mem_free(note);
}

static enum err committer_announce_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    struct committer_case *c = (struct committer_case *)(void *)op;
    struct committer_note *n = mem_new(struct committer_note);
    n->note.run = committer_note_run;
    n->name = (char)(c->name - 'a' + 'A');
    txn_announce(t, 0, &n->note);
    return committer_case_apply(t, op, f);
}

static void committer_announces_what_is_done(void **state)
{
    (void)state;
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    store_homes(st, (struct post *[]){&committer_box.post}, 1);
    struct committer_case cases[] = {
        committer_case('a', true, ERR_OK), committer_case('b', true, ERR_LIMIT),
        committer_case('c', false, ERR_LIMIT), committer_case('d', true, ERR_OK)};
    for (size_t i = 0; i < UNIT_COUNT(cases); i++)
        cases[i].op.apply = committer_announce_apply;
    committer_run_together(st, cases, UNIT_COUNT(cases));
    while (strlen(committer_told) < 7)
        unit_box_run(&committer_box);
    assert_string_equal(committer_told, "-ADabcd"); /* those of the undone are not heard of */
    store_close(&st);
}

static enum err committer_homeless_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    (void)op;
    (void)f;
    txn_announce(t, 0, &mem_new(struct committer_note)->note);
    return ERR_OK;
}

static void committer_drops_what_nobody_hears(void **state)
{
    (void)state;
    struct store_options o = unit_options();
    struct store *st = unit_store_open(&o);
    struct store_op op = {.apply = committer_homeless_apply};
    assert_int_equal(committer_run(st, &op, NULL), ERR_OK);
    store_close(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_dir(committer_keeps_the_order),
        unit_test_dir(committer_lets_others_live),
        unit_test_dir(committer_never_gives_a_number_twice),
        unit_test_dir(committer_raises_numbers),
        unit_test_dir(committer_announces_what_is_done),
        unit_test_dir(committer_drops_what_nobody_hears),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
