#include "net/loop.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/must.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* The clock may be stopped and moved by a lab from any thread without telling us, so a loop with timers looks at it now and
 * then, and often while it does not keep step with the system's. */
#define LOOP_LOOK_MS 500
#define LOOP_LOOK_LAB_MS 30
#define LOOP_LAB_DRIFT_MS 20
#define LOOP_FREE_ROUNDS 1000

struct loop {
    struct post box;
    struct event_base *base;
    struct event *wake, *alarm, *next;
    int wake_fd;
    atomic_bool stopping;
    /* the letter box; lock guards it */
    pthread_mutex_t lock;
    struct post_note *first_note, *last_note;
    /* the present turn */
    struct list_node at_end, next_turn;
    uint64_t turn_began_us;
    atomic_uint stall_ms;
    /* timers: a binary heap, the nearest at 0 */
    struct loop_timer **heap;
    unsigned heap_count, heap_room;
    bool alarm_set, lab_clock;
    uint64_t alarm_due_ms;                      /* of clock_ms */
    uint64_t looked_clock_ms, looked_system_ms; /* when the alarm was set */
    char scratch[LOOP_SCRATCH_BYTES];
};

static _Thread_local const struct loop *loop_mine;

/* The system's own clock: slices and stalls are about the processor, whatever time a lab makes it. */
static uint64_t loop_system_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static uint64_t loop_turn_us(const struct loop *l)
{
    return loop_system_us() - l->turn_began_us;
}

/* --- the alarm: one timer of libevent, set for the nearest of ours --- */

static void loop_alarm_set(struct loop *l)
{
    if (l->heap_count == 0)
        return;
    uint64_t due = l->heap[0]->due_ms;
    uint64_t now = clock_ms();
    if (l->alarm_set && due >= l->alarm_due_ms && l->alarm_due_ms > now)
        return;
    uint64_t wait = due > now ? due - now : 0;
    uint64_t look = l->lab_clock ? LOOP_LOOK_LAB_MS : LOOP_LOOK_MS;
    if (wait > look)
        wait = look;
    struct timeval in = {.tv_sec = (time_t)(wait / 1000),
                         .tv_usec = (suseconds_t)(wait % 1000 * 1000)};
    l->alarm_set = event_add(l->alarm, &in) == 0; /* if not, the next turn tries again */
    l->alarm_due_ms = due;
    l->looked_clock_ms = now;
    l->looked_system_ms = loop_system_us() / 1000;
}

static void loop_turn_begin(struct loop *l)
{
    l->turn_began_us = loop_system_us();
}

static void loop_turn_end(struct loop *l)
{
    while (!list_empty(&l->at_end)) {
        struct loop_later *later = list_entry(l->at_end.next, struct loop_later, node);
        list_drop(&later->node);
        later->run(later);
    }
    unsigned took_ms = (unsigned)(loop_turn_us(l) / 1000);
    unsigned longest = atomic_load_explicit(&l->stall_ms, memory_order_relaxed);
    while (took_ms > longest && !atomic_compare_exchange_weak(&l->stall_ms, &longest, took_ms))
        ;
    loop_alarm_set(l);
}

/* --- notes from other threads --- */

static void loop_wake(struct loop *l)
{
    uint64_t one = 1;
    ssize_t wrote = write(l->wake_fd, &one, sizeof one);
    /* EAGAIN: the counter is so high that it is awake */
    must(wrote == (ssize_t)sizeof one || errno == EAGAIN);
}

static void loop_next_arm(struct loop *l)
{
    static const struct timeval now = {0, 0};
    if (!list_empty(&l->next_turn) && !event_pending(l->next, EV_TIMEOUT, NULL) &&
        event_add(l->next, &now) != 0)
        loop_wake(l); /* out of memory: loop_on_wake tries again */
}

static void loop_send(struct post *self, struct post_note *first, struct post_note *last)
{
    struct loop *l = list_entry(self, struct loop, box);
    last->next = NULL;
    pthread_mutex_lock(&l->lock);
    bool wake = l->first_note == NULL;
    if (wake)
        l->first_note = first;
    else
        l->last_note->next = first;
    l->last_note = last;
    /* Under the lock, so that a loop that has run this note may be freed at once. */
    if (wake)
        loop_wake(l);
    pthread_mutex_unlock(&l->lock);
}

static struct post_note *loop_note_take(struct loop *l)
{
    pthread_mutex_lock(&l->lock);
    struct post_note *note = l->first_note;
    if (note)
        l->first_note = note->next;
    pthread_mutex_unlock(&l->lock);
    return note;
}

/* Each note is a turn. Those that find the time used up wait until the sockets have had theirs. */
static void loop_notes_run(struct loop *l)
{
    uint64_t began = loop_system_us();
    struct post_note *note;
    while ((note = loop_note_take(l)) != NULL) {
        loop_turn_begin(l);
        note->run(note);
        loop_turn_end(l);
        if (loop_system_us() - began >= LOOP_SLICE_MS * 1000u) {
            loop_wake(l);
            return;
        }
    }
}

static void loop_on_wake(evutil_socket_t fd, short what, void *arg)
{
    struct loop *l = arg;
    (void)what;
    uint64_t count;
    ssize_t got = read(fd, &count, sizeof count);
    must(got == (ssize_t)sizeof count || errno == EAGAIN);
    if (atomic_load(&l->stopping))
        event_base_loopbreak(l->base);
    else
        loop_notes_run(l);
    loop_next_arm(l);
}

/* --- the next turn --- */

/* All of from behind all of to. */
static void loop_list_join(struct list_node *to, struct list_node *from)
{
    if (list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

/* Each is a turn. What they add runs after the sockets had theirs, and so do those that find the time used up. */
static void loop_next_run(struct loop *l)
{
    struct list_node batch;
    uint64_t began = loop_system_us();
    list_init(&batch);
    loop_list_join(&batch, &l->next_turn);
    while (!list_empty(&batch) && loop_system_us() - began < LOOP_SLICE_MS * 1000u) {
        struct loop_later *later = list_entry(batch.next, struct loop_later, node);
        list_drop(&later->node);
        loop_turn_begin(l);
        later->run(later);
        loop_turn_end(l);
    }
    loop_list_join(&batch, &l->next_turn);
    loop_list_join(&l->next_turn, &batch);
    loop_next_arm(l);
}

static void loop_on_next(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    loop_next_run(arg);
}

void loop_later_init(struct loop_later *later, void (*run)(struct loop_later *))
{
    list_init(&later->node);
    later->run = run;
}

void loop_at_end(struct loop *l, struct loop_later *later)
{
    if (list_empty(&later->node))
        list_add(&l->at_end, &later->node);
}

void loop_at_end_not(struct loop_later *later)
{
    list_drop(&later->node);
}

void loop_next_turn(struct loop *l, struct loop_later *later)
{
    if (!list_empty(&later->node))
        return;
    list_add(&l->next_turn, &later->node);
    loop_next_arm(l);
}

/* --- timers --- */

static void loop_heap_place(struct loop *l, unsigned at, struct loop_timer *t)
{
    l->heap[at] = t;
    t->heap_at = at + 1;
}

static void loop_heap_up(struct loop *l, unsigned at, struct loop_timer *t)
{
    for (; at > 0 && l->heap[(at - 1) / 2]->due_ms > t->due_ms; at = (at - 1) / 2)
        loop_heap_place(l, at, l->heap[(at - 1) / 2]);
    loop_heap_place(l, at, t);
}

static void loop_heap_down(struct loop *l, unsigned at, struct loop_timer *t)
{
    for (;;) {
        unsigned child = 2 * at + 1;
        if (child + 1 < l->heap_count && l->heap[child + 1]->due_ms < l->heap[child]->due_ms)
            child++;
        if (child >= l->heap_count || l->heap[child]->due_ms >= t->due_ms)
            break;
        loop_heap_place(l, at, l->heap[child]);
        at = child;
    }
    loop_heap_place(l, at, t);
}

/* Where t belongs at `at`, from whatever direction it comes. */
static void loop_heap_fix(struct loop *l, unsigned at, struct loop_timer *t)
{
    if (at > 0 && l->heap[(at - 1) / 2]->due_ms > t->due_ms)
        loop_heap_up(l, at, t);
    else
        loop_heap_down(l, at, t);
}

void loop_timer_init(struct loop_timer *t, void (*run)(struct loop_timer *))
{
    *t = (struct loop_timer){.run = run};
}

void loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t in_ms)
{
    t->due_ms = clock_ms() + in_ms;
    if (t->heap_at) {
        loop_heap_fix(l, t->heap_at - 1, t);
    } else {
        if (l->heap_count == l->heap_room) {
            l->heap_room = l->heap_room ? l->heap_room * 2 : 16;
            l->heap = mem_grow(l->heap, l->heap_room * sizeof(struct loop_timer *));
        }
        loop_heap_up(l, l->heap_count++, t);
    }
    if (t->heap_at == 1)
        loop_alarm_set(l);
}

void loop_timer_clear(struct loop *l, struct loop_timer *t)
{
    if (!t->heap_at)
        return;
    unsigned at = t->heap_at - 1;
    struct loop_timer *last = l->heap[--l->heap_count];
    t->heap_at = 0;
    if (last != t)
        loop_heap_fix(l, at, last);
}

static void loop_on_alarm(evutil_socket_t fd, short what, void *arg)
{
    struct loop *l = arg;
    (void)fd;
    (void)what;
    l->alarm_set = false;
    uint64_t now = clock_ms();
    int64_t drift = (int64_t)(now - l->looked_clock_ms) -
                    (int64_t)(loop_system_us() / 1000 - l->looked_system_ms);
    l->lab_clock = drift > LOOP_LAB_DRIFT_MS || drift < -LOOP_LAB_DRIFT_MS;
    /* A timer that sets itself to now waits for the next round. */
    for (unsigned n = l->heap_count; n > 0 && l->heap_count > 0; n--) {
        struct loop_timer *t = l->heap[0];
        if (t->due_ms > now)
            break;
        loop_timer_clear(l, t);
        loop_turn_begin(l);
        t->run(t);
        loop_turn_end(l);
    }
    loop_alarm_set(l);
}

/* --- descriptors --- */

static void loop_on_watch(evutil_socket_t fd, short what, void *arg)
{
    struct loop_watch *w = arg;
    struct loop *l = w->loop;
    (void)fd;
    loop_turn_begin(l);
    w->run(w, (what & EV_READ ? LOOP_READ : 0u) | (what & EV_WRITE ? LOOP_WRITE : 0u));
    loop_turn_end(l); /* w may be gone */
}

void loop_watch_init(struct loop_watch *w, void (*run)(struct loop_watch *, unsigned ready))
{
    *w = (struct loop_watch){.run = run, .fd = -1};
}

bool loop_watch_set(struct loop *l, struct loop_watch *w, int fd, unsigned what)
{
    if (w->loop == l && w->fd == fd && w->what == what)
        return true;
    short events =
        (short)(EV_PERSIST | (what & LOOP_READ ? EV_READ : 0) | (what & LOOP_WRITE ? EV_WRITE : 0));
    if (w->event) {
        event_del(w->event);
        must(event_assign(w->event, l->base, fd, events, loop_on_watch, w) == 0);
    } else {
        w->event = event_new(l->base, fd, events, loop_on_watch, w);
    }
    w->loop = NULL;
    w->what = 0;
    if (!w->event || (what && event_add(w->event, NULL) != 0))
        return false;
    w->loop = l;
    w->fd = fd;
    w->what = what;
    return true;
}

void loop_watch_end(struct loop_watch *w)
{
    if (w->event)
        event_free(w->event);
    loop_watch_init(w, w->run);
}

char *loop_scratch(struct loop *l)
{
    return l->scratch;
}

/* --- life --- */

static struct event_base *loop_base_new(void)
{
    struct event_config *how = event_config_new();
    if (!how)
        return NULL;
    /* Every call is made on the loop's thread; others only send notes. */
    event_config_set_flag(how, EVENT_BASE_FLAG_NOLOCK);
    struct event_base *base = event_base_new_with_config(how);
    event_config_free(how);
    return base;
}

static void loop_fini(struct loop *l)
{
    if (l->wake)
        event_free(l->wake);
    if (l->alarm)
        event_free(l->alarm);
    if (l->next)
        event_free(l->next);
    if (l->base)
        event_base_free(l->base);
    if (l->wake_fd >= 0)
        close(l->wake_fd);
    mem_free(l->heap);
    pthread_mutex_destroy(&l->lock);
    mem_free(l);
}

enum err loop_new(struct loop **out, struct fault *f)
{
    struct loop *l = mem_new(struct loop);
    l->box.send = loop_send;
    list_init(&l->at_end);
    list_init(&l->next_turn);
    pthread_mutex_init(&l->lock, NULL);
    l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    int error = errno;
    l->base = l->wake_fd < 0 ? NULL : loop_base_new();
    if (l->base) {
        l->wake = event_new(l->base, l->wake_fd, EV_READ | EV_PERSIST, loop_on_wake, l);
        l->alarm = event_new(l->base, -1, 0, loop_on_alarm, l);
        l->next = event_new(l->base, -1, 0, loop_on_next, l);
    }
    if (!l->wake || !l->alarm || !l->next || event_add(l->wake, NULL) != 0) {
        const char *why = l->wake_fd < 0 ? strerror(error) : "no event base";
        loop_fini(l);
        return fault_set(f, ERR_IO, "event loop: %s", why);
    }
    *out = l;
    return ERR_OK;
}

void loop_free(struct loop **loop)
{
    struct loop *l = *loop;
    if (!l)
        return;
    const struct loop *before = loop_mine;
    loop_mine = l;
    /* What waits may bring more, but work that yields for ever has to end some time. */
    for (unsigned round = 0; round < LOOP_FREE_ROUNDS; round++) {
        loop_notes_run(l);
        loop_next_run(l);
        pthread_mutex_lock(&l->lock);
        bool more = l->first_note != NULL;
        pthread_mutex_unlock(&l->lock);
        if (!more && list_empty(&l->next_turn))
            break;
    }
    loop_mine = before;
    loop_fini(l);
    *loop = NULL;
}

/* OpenSSL writes with write(2), which would kill us where the peer has gone. */
static void loop_no_sigpipe(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

void loop_run(struct loop *l)
{
    loop_no_sigpipe();
    loop_mine = l;
    loop_turn_begin(l); /* what was asked for before we ran */
    loop_turn_end(l);
    while (!atomic_load(&l->stopping)) {
        if (event_base_loop(l->base, EVLOOP_NO_EXIT_ON_EMPTY) < 0) {
            log_event(LOG_ERROR, NULL, "net.loop", "error=\"%s\"", strerror(errno));
            break;
        }
    }
    loop_mine = NULL;
}

void loop_stop(struct loop *l)
{
    atomic_store(&l->stopping, true);
    loop_wake(l);
}

struct post *loop_post(struct loop *l)
{
    return &l->box;
}

bool loop_here(const struct loop *l)
{
    return loop_mine == l;
}

bool loop_slice_over(const struct loop *l)
{
    return loop_turn_us(l) >= LOOP_SLICE_MS * 1000u;
}

unsigned loop_stall_ms(struct loop *l)
{
    return atomic_exchange(&l->stall_ms, 0);
}
