#pragma once /* tests/unit/auth/desk.h: a letter box whose thread is the test's own */
#include "tests/unit/unit.h"

#include "common/post.h"

#include <pthread.h>

/* Notes wait in it until desk_run runs one. */
struct desk {
    struct post post;
    pthread_mutex_t lock;
    pthread_cond_t come;
    struct post_note *first, **last;
};

static inline void desk_send(struct post *self, struct post_note *first, struct post_note *last)
{
    struct desk *d = (struct desk *)self;
    pthread_mutex_lock(&d->lock);
    last->next = NULL;
    *d->last = first;
    d->last = &last->next;
    pthread_cond_broadcast(&d->come);
    pthread_mutex_unlock(&d->lock);
}

static inline void desk_init(struct desk *d)
{
    d->post.send = desk_send;
    pthread_mutex_init(&d->lock, NULL);
    pthread_cond_init(&d->come, NULL);
    d->first = NULL;
    d->last = &d->first;
}

static inline void desk_fini(struct desk *d)
{
    assert_null(d->first);
    pthread_cond_destroy(&d->come);
    pthread_mutex_destroy(&d->lock);
}

/* Waits for a note and runs it. */
static inline void desk_run(struct desk *d)
{
    pthread_mutex_lock(&d->lock);
    while (!d->first)
        pthread_cond_wait(&d->come, &d->lock);
    struct post_note *note = d->first;
    d->first = note->next;
    if (!d->first)
        d->last = &d->first;
    pthread_mutex_unlock(&d->lock);
    note->run(note);
}
