#pragma once /* net/loop.h: one thread, one event base, everything that happens on it */
#include "common/fault.h"
#include "common/list.h"
#include "common/post.h"
#include <stdbool.h>
#include <stdint.h>

/* A loop runs on one thread; all functions are for that thread, except those marked "any thread". */
struct loop;

enum err loop_new(struct loop **out, struct fault *f);
void loop_free(
    struct loop *
        *l); /* after loop_run has returned; runs the notes and later-calls still waiting */
/* Runs until loop_stop. Call on the thread that the loop shall be. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l); /* any thread */
struct post *loop_post(
    struct loop *l); /* any thread: its letter box; notes run in order on the loop */
bool loop_here(const struct loop *l); /* any thread: is this the loop's thread? */

/* --- the end of the turn ---
 * A turn is one callback of the event base with everything it calls. later calls run when it is over, in order, before
 * the loop waits again: replies are flushed and dying objects freed there, never on their own stack. */
struct loop_later {
    struct list_node node;
    void (*run)(struct loop_later *later);
};
void loop_later_init(struct loop_later *later, void (*run)(struct loop_later *));
void loop_at_end(struct loop *l, struct loop_later *later); /* no effect if already waiting */
void loop_at_end_not(struct loop_later *later); /* takes it back; no effect if not waiting */
/* The same for the next turn, after other sessions had theirs: for work that yields. */
void loop_next_turn(struct loop *l, struct loop_later *later);

/* --- timers --- driven by common/clock, so that a frozen clock freezes them */
struct loop_timer {
    void (*run)(struct loop_timer *t);
    uint64_t due_ms;  /* of clock_ms */
    unsigned heap_at; /* private: 1 + index, 0 when not set */
};
void loop_timer_init(struct loop_timer *t, void (*run)(struct loop_timer *));
void loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t in_ms); /* again: moves it */
void loop_timer_clear(struct loop *l, struct loop_timer *t); /* no effect when not set */

/* --- slices --- */
#define LOOP_SLICE_MS 10
/* True once the present turn has run for LOOP_SLICE_MS: work that grows with its input yields then. */
bool loop_slice_over(const struct loop *l);
/* The longest turn since the last call, milliseconds (any thread). */
unsigned loop_stall_ms(struct loop *l);

/* --- for net/ alone --- */
/* A descriptor that the loop watches; each call of run is a turn. */
struct event;
struct loop_watch {
    void (*run)(struct loop_watch *w, unsigned ready);
    struct loop *loop;   /* private, as the rest; NULL while nothing is watched */
    struct event *event; /* kept from one set to the next */
    int fd;
    unsigned what;
};
enum { LOOP_READ = 1, LOOP_WRITE = 2 };
void loop_watch_init(struct loop_watch *w, void (*run)(struct loop_watch *, unsigned ready));
/* Watches fd for what from now on, level-triggered; 0: for nothing. False: out of memory, and nothing is watched. */
bool loop_watch_set(struct loop *l, struct loop_watch *w, int fd, unsigned what);
/* Nothing is watched, nothing that was already seen is reported, and its memory is given back. May be set again, on
 * another loop too. Before the descriptor is closed. */
void loop_watch_end(struct loop_watch *w);
/* LOOP_SCRATCH_BYTES of the loop's own, to read into; good until the present function returns to the loop. */
#define LOOP_SCRATCH_BYTES (64u << 10)
char *loop_scratch(struct loop *l);
