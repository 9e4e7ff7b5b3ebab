#include "net/loop.h"

#include "tests/unit/net/peer.h"

#include "common/clock.h"
#include "common/must.h"
#include "common/rand.h"

#include <stdatomic.h>

/* --- notes --- */

#define SENDERS 4
#define NOTES 2000

struct numbered {
    struct post_note note;
    unsigned sender, number;
};

static struct loop *running;
static unsigned seen[SENDERS];
static _Atomic unsigned received;
static struct numbered notes[SENDERS][NOTES];

static void numbered_run(struct post_note *note)
{
    struct numbered *n = list_entry(note, struct numbered, note);
    must(loop_here(running));
    must(seen[n->sender] == n->number);
    seen[n->sender]++;
    if (atomic_fetch_add(&received, 1) + 1 == SENDERS * NOTES)
        loop_stop(running);
}

static void *numbered_send(void *arg)
{
    struct numbered *mine = arg;
    must(!loop_here(running));
    for (unsigned i = 0; i < NOTES; i += 2) { /* in chains of two */
        mine[i].note.next = &mine[i + 1].note;
        loop_post(running)->send(loop_post(running), &mine[i].note, &mine[i + 1].note);
    }
    return NULL;
}

static void loop_notes_keep_order(void **state)
{
    (void)state;
    pthread_t threads[SENDERS];
    assert_int_equal(loop_new(&running, NULL), ERR_OK);
    for (unsigned t = 0; t < SENDERS; t++) {
        for (unsigned i = 0; i < NOTES; i++)
            notes[t][i] = (struct numbered){.note.run = numbered_run, .sender = t, .number = i};
        pthread_create(&threads[t], NULL, numbered_send, notes[t]);
    }
    loop_run(running);
    for (unsigned t = 0; t < SENDERS; t++)
        pthread_join(threads[t], NULL);
    assert_int_equal(received, SENDERS * NOTES);
    loop_free(&running);
    assert_null(running);
}

/* --- turns --- */

static struct buf words;

/* A thing that says its word when it is run, and then does what the case wants. */
struct speaker {
    struct loop_later later;
    struct loop_timer timer;
    struct post_note note;
    struct loop_watch watch;
    struct loop *loop;
    const char *word;
    void (*then)(struct speaker *s);
    struct speaker *other;
};

static void speak(struct speaker *s)
{
    buf_addf(&words, "%s ", s->word);
    if (s->then)
        s->then(s);
}
static void speak_later(struct loop_later *later)
{
    speak(list_entry(later, struct speaker, later));
}
static void speak_timer(struct loop_timer *t)
{
    speak(list_entry(t, struct speaker, timer));
}
static void speak_note(struct post_note *note)
{
    speak(list_entry(note, struct speaker, note));
}
static void speak_watch(struct loop_watch *w, unsigned ready)
{
    struct speaker *s = list_entry(w, struct speaker, watch);
    must(ready == LOOP_READ);
    must(loop_watch_set(s->loop, w, w->fd, 0)); /* once is enough */
    speak(s);
}

static void speaker_init(struct speaker *s, struct loop *l, const char *word)
{
    *s = (struct speaker){.loop = l, .word = word, .note.run = speak_note};
    loop_later_init(&s->later, speak_later);
    loop_timer_init(&s->timer, speak_timer);
    loop_watch_init(&s->watch, speak_watch);
}

static void then_stop(struct speaker *s)
{
    loop_stop(s->loop);
}
static void then_other_at_end(struct speaker *s)
{
    loop_at_end(s->loop, &s->other->later);
}
static void then_other_next(struct speaker *s)
{
    loop_next_turn(s->loop, &s->other->later);
}

static int turns_begin(void **state)
{
    static struct loop *l;
    buf_init(&words, 4096);
    *state = NULL;
    if (loop_new(&l, NULL) != ERR_OK)
        return -1;
    *state = l;
    return 0;
}

static int turns_end(void **state)
{
    struct loop *l = *state;
    loop_free(&l);
    buf_fini(&words);
    return 0;
}

static void loop_ends_turns(void **state)
{
    struct loop *l = *state;
    struct speaker a, b, c, d, e;
    speaker_init(&a, l, "a");
    speaker_init(&b, l, "b");
    speaker_init(&c, l, "c");
    speaker_init(&d, l, "d");
    speaker_init(&e, l, "e");
    a.other = &b; /* note a, at its end b, at the end of that c; then note d, and at its end e */
    a.then = then_other_at_end;
    b.other = &c;
    b.then = then_other_at_end;
    d.other = &e;
    d.then = then_other_at_end;
    e.then = then_stop;
    post_send(loop_post(l), &a.note);
    post_send(loop_post(l), &d.note);
    loop_run(l);
    unit_assert_span(buf_span(&words), "a b c d e ");
}

static void loop_takes_back(void **state)
{
    struct loop *l = *state;
    struct speaker a, b, c;
    speaker_init(&a, l, "a");
    speaker_init(&b, l, "b");
    speaker_init(&c, l, "c");
    loop_at_end(l, &a.later);
    loop_at_end(l, &b.later);
    loop_at_end(l, &b.later); /* no effect */
    loop_at_end(l, &c.later);
    loop_at_end_not(&b.later);
    loop_at_end_not(&b.later);
    c.then = then_stop;
    loop_run(l);
    unit_assert_span(buf_span(&words), "a c ");
}

/* What yields comes after the sockets that are ready. */
static void loop_lets_sockets_first(void **state)
{
    struct loop *l = *state;
    struct speaker a, b, c;
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(write(ends[0], "x", 1), 1);
    speaker_init(&a, l, "begin");
    speaker_init(&b, l, "next");
    speaker_init(&c, l, "socket");
    assert_true(loop_watch_set(l, &c.watch, ends[1], LOOP_READ));
    a.other = &b;
    a.then = then_other_next;
    b.then = then_stop;
    loop_at_end(l, &a.later);
    loop_run(l);
    unit_assert_span(buf_span(&words), "begin socket next ");
    loop_watch_end(&c.watch);
    close(ends[0]);
    close(ends[1]);
}

static void then_spin(struct speaker *s)
{
    struct timespec t0, t1;
    clock_gettime(CLOCK_MONOTONIC, &t0);
    do
        clock_gettime(CLOCK_MONOTONIC, &t1);
    while ((t1.tv_sec - t0.tv_sec) * 1000000000 + t1.tv_nsec - t0.tv_nsec <
           LOOP_SLICE_MS * 1000000L);
    must(loop_slice_over(s->loop));
    if (s->other)
        loop_next_turn(s->loop, &s->other->later);
    else
        loop_stop(s->loop);
}

/* Each piece of work has a slice of its own, and the longest is known. */
static void loop_slices(void **state)
{
    struct loop *l = *state;
    struct speaker a, b, c;
    speaker_init(&a, l, "a");
    speaker_init(&b, l, "b");
    speaker_init(&c, l, "c");
    a.then = b.then = c.then = then_spin;
    a.other = &b;
    b.other = &c;
    loop_next_turn(l, &a.later);
    loop_run(l);
    unit_assert_span(buf_span(&words), "a b c ");
    assert_true(loop_stall_ms(l) >= LOOP_SLICE_MS);
    assert_int_equal(loop_stall_ms(l), 0);
}

/* What was posted and put off is run before the loop goes. */
static void loop_free_runs_what_waits(void **state)
{
    (void)state;
    struct loop *l;
    struct speaker a, b, c;
    assert_int_equal(loop_new(&l, NULL), ERR_OK);
    speaker_init(&a, l, "note");
    speaker_init(&b, l, "next");
    speaker_init(&c, l, "end");
    loop_next_turn(l, &b.later);
    b.other = &c;
    b.then = then_other_at_end;
    loop_stop(l);
    loop_run(l);
    post_send(loop_post(l), &a.note);
    loop_free(&l);
    unit_assert_span(buf_span(&words), "note next end ");
}

/* --- timers --- */

static void then_advance(struct speaker *s)
{
    (void)s;
    clock_advance(20);
}

static void loop_timers_follow_the_clock(void **state)
{
    struct loop *l = *state;
    struct speaker s[6];
    static const char *const names[] = {"10", "20", "30", "40", "50", "60"};
    clock_freeze(1000000);
    for (unsigned i = 0; i < UNIT_COUNT(s); i++)
        speaker_init(&s[i], l, names[i]);
    for (unsigned i = UNIT_COUNT(s); i-- > 0;) {
        s[i].then = then_advance;
        loop_timer_set(l, &s[i].timer, (i + 1) * 10);
    }
    loop_timer_set(l, &s[0].timer, 45); /* moved behind "40" */
    loop_timer_clear(l, &s[2].timer);   /* gone */
    loop_timer_clear(l, &s[2].timer);   /* no effect */
    loop_timer_set(l, &s[4].timer, 15); /* moved before "20" */
    s[5].then = then_stop;
    clock_advance(
        10); /* each lets the next come nearer, so without the lab's hand nothing more would happen */
    s[4].then = then_advance;
    clock_advance(5);
    loop_run(l);
    unit_assert_span(buf_span(&words), "50 20 40 10 60 ");
    clock_thaw();
}

static struct loop_timer many[500];
static uint64_t last_due;
static unsigned ran;

static void many_run(struct loop_timer *t)
{
    must(t->due_ms >= last_due);
    must(t->due_ms <= clock_ms());
    last_due = t->due_ms;
    ran++;
}

static void loop_timers_keep_order(void **state)
{
    struct loop *l = *state;
    struct speaker stop;
    unsigned expected = 0;
    clock_freeze(1000000);
    rand_seed(1);
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned i = 0; i < UNIT_COUNT(many); i++) {
            if (round == 0)
                loop_timer_init(&many[i], many_run);
            if (rand_below(4) == 0)
                loop_timer_clear(l, &many[i]);
            else
                loop_timer_set(l, &many[i], rand_below(300));
        }
    }
    for (unsigned i = 0; i < UNIT_COUNT(many); i++)
        expected += many[i].heap_at != 0;
    assert_true(expected > 0);
    speaker_init(&stop, l, "stop");
    stop.then = then_stop;
    loop_timer_set(l, &stop.timer, 300);
    clock_advance(300);
    loop_run(l);
    assert_int_equal(ran, expected);
    clock_thaw();
}

static void in_an_hour(void *arg)
{
    struct speaker *s = arg;
    loop_timer_set(s->loop, &s->timer, 3600 * 1000);
}

/* A loop that waits learns of it when a lab moves the clock. */
static void loop_notices_the_lab(void **state)
{
    (void)state;
    struct peer_loop p;
    struct speaker s;
    buf_init(&words, 4096);
    peer_loop_start(&p);
    clock_freeze(1000000);
    speaker_init(&s, p.loop, "hour");
    s.then = then_stop;
    peer_on(p.loop, in_an_hour, &s);
    clock_advance(3600 * 1000);
    pthread_join(p.thread, NULL);
    unit_assert_span(buf_span(&words), "hour ");
    loop_free(&p.loop);
    clock_thaw();
    buf_fini(&words);
}

int main(void)
{
#define TURNS(test) cmocka_unit_test_setup_teardown(test, turns_begin, turns_end)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loop_notes_keep_order),
        TURNS(loop_ends_turns),
        TURNS(loop_takes_back),
        TURNS(loop_lets_sockets_first),
        TURNS(loop_slices),
        TURNS(loop_free_runs_what_waits),
        TURNS(loop_timers_follow_the_clock),
        TURNS(loop_timers_keep_order),
        cmocka_unit_test(loop_notices_the_lab),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
