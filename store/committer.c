#include "store/committer.h"
#include "common/clock.h"
#include "common/list.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/must.h"
#include "store/space.h"
#include "store/state.h"

#include <pthread.h>

#define COMMITTER_BATCH_MS 50 /* no operation is added to a batch that is older */

/* What goes to one letter box after a batch. */
struct committer_mail {
    struct post *to;
    struct post_note *first, *last;
};

struct committer {
    struct store *store;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t more;
    struct store_op *first, *last; /* waiting */
    bool stopping;                 /* what comes now is refused */
    bool joined;                   /* the thread has ended */
    /* the thread's own */
    struct txn *txn;
    struct store_op **batch;
    size_t n;
    struct committer_mail *mail;
    size_t mail_n, mail_cap;
    /* figures */
    atomic_ulong batches, ops, failed, again, undone;
};

/* --- coming in --- */

static void committer_tell(struct post_note *note)
{
    struct store_op *op =
        (struct store_op *)(void *)((char *)note - offsetof(struct store_op, note));
    op->done(op, op->fault.kind, &op->fault);
}

void committer_submit(struct store *st, struct store_op *op)
{
    struct committer *c = st->committer;
    must(op->apply && op->home);
    op->next = NULL;
    op->fault.kind = ERR_OK;
    op->fault.text[0] = '\0';
    op->note.run = committer_tell;
    (void)pthread_mutex_lock(&c->mutex);
    bool refused = c->stopping;
    if (!refused) {
        if (c->first)
            c->last->next = op;
        else
            c->first = op;
        c->last = op;
        (void)pthread_cond_signal(&c->more);
    }
    (void)pthread_mutex_unlock(&c->mutex);
    if (refused) {
        (void)fault_set(&op->fault, ERR_BUSY, "the store is closing");
        post_send(op->home, &op->note);
    }
}

/* A letter box for one operation whose sender waits. */
struct committer_waiter {
    struct post post;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool done;
};

static void committer_wake(struct post *self, struct post_note *first, struct post_note *last)
{
    (void)first;
    (void)last;
    struct committer_waiter *w = list_entry(self, struct committer_waiter, post);
    (void)pthread_mutex_lock(&w->mutex);
    w->done = true;
    (void)pthread_cond_signal(&w->cond);
    (void)pthread_mutex_unlock(&w->mutex);
}

enum err committer_run(struct store *st, struct store_op *op, struct fault *f)
{
    must(!pthread_equal(pthread_self(), st->committer->thread));
    struct committer_waiter w = {.post = {committer_wake},
                                 .mutex = PTHREAD_MUTEX_INITIALIZER,
                                 .cond = PTHREAD_COND_INITIALIZER};
    /* cppcheck-suppress autoVariables ; until it is done, which is awaited here */
    op->home = &w.post;
    committer_submit(st, op);
    (void)pthread_mutex_lock(&w.mutex);
    while (!w.done)
        (void)pthread_cond_wait(&w.cond, &w.mutex);
    (void)pthread_mutex_unlock(&w.mutex);
    (void)pthread_cond_destroy(&w.cond);
    (void)pthread_mutex_destroy(&w.mutex);
    if (f)
        *f = op->fault;
    return op->fault.kind;
}

/* --- one batch --- */

/* Waits for operations and takes what fits into a batch. False: there are none, and none will come. */
static bool committer_take(struct committer *c)
{
    (void)pthread_mutex_lock(&c->mutex);
    while (!c->first && !c->stopping)
        (void)pthread_cond_wait(&c->more, &c->mutex);
    c->n = 0;
    while (c->first && c->n < c->store->options.batch_count) {
        c->batch[c->n++] = c->first;
        c->first = c->first->next;
    }
    (void)pthread_mutex_unlock(&c->mutex);
    return c->n > 0;
}

/* Puts batch[from..] back to the front of the queue. */
static void committer_put_back(struct committer *c, size_t from)
{
    (void)pthread_mutex_lock(&c->mutex);
    for (size_t i = c->n; i-- > from;) {
        c->batch[i]->next = c->first;
        if (!c->first)
            c->last = c->batch[i];
        c->first = c->batch[i];
    }
    (void)pthread_mutex_unlock(&c->mutex);
    c->n = from;
}

static void committer_fail(struct committer *c, struct store_op *op, enum err e)
{
    op->fault.kind = e;
    atomic_fetch_add(&c->failed, 1);
}

/* All that have not failed by themselves fail with the batch. */
static void committer_fail_all(struct committer *c, const struct fault *why)
{
    for (size_t i = 0; i < c->n; i++) {
        if (c->batch[i]->fault.kind == ERR_OK) {
            c->batch[i]->fault = *why;
            atomic_fetch_add(&c->failed, 1);
        }
    }
    atomic_fetch_add(&c->undone, 1);
    log_event(LOG_WARN, NULL, "store.batch_failed", "ops=%zu error=%s text=\"%s\"", c->n,
              fault_name(why->kind), LOG_SPAN(span_cstr(why->text)));
}

enum committer_round { COMMITTER_COMMIT, COMMITTER_AGAIN, COMMITTER_BROKEN };

/* Applies the batch, but for those that have failed, in the open transaction. */
static enum committer_round committer_apply(struct committer *c)
{
    uint64_t began = clock_ms();
    for (size_t i = 0; i < c->n; i++) {
        struct store_op *op = c->batch[i];
        if (op->fault.kind != ERR_OK)
            continue;
        if (i > 0 && clock_ms() - began > COMMITTER_BATCH_MS) {
            committer_put_back(c, i);
            break;
        }
        txn_write_op(c->txn, &op->actor);
        enum err e = op->apply(c->txn, op, &op->fault);
        op->fault.kind = ERR_OK; /* until it is known */
        if (c->txn->broken)
            return COMMITTER_BROKEN;
        if (e == ERR_OK)
            continue;
        committer_fail(c, op, e);
        if (txn_write_touched(c->txn))
            return COMMITTER_AGAIN;
        txn_write_skip(c->txn);
    }
    return COMMITTER_COMMIT;
}

static void committer_batch(struct committer *c)
{
    struct fault why = FAULT_NONE;
    for (;;) {
        if (txn_write_begin(c->txn, &why) != ERR_OK)
            break;
        enum committer_round round = committer_apply(c);
        if (round == COMMITTER_COMMIT) {
            if (txn_write_commit(c->txn, &why) == ERR_OK)
                return;
            break;
        }
        if (round == COMMITTER_BROKEN)
            why = c->txn->why;
        txn_write_abort(c->txn);
        if (round == COMMITTER_BROKEN)
            break;
        atomic_fetch_add(&c->again, 1);
    }
    committer_fail_all(c, &why);
}

/* --- going out --- */

static void committer_mail_add(struct committer *c, struct post *to, struct post_note *note)
{
    size_t i = 0;
    while (i < c->mail_n && c->mail[i].to != to)
        i++;
    note->next = NULL;
    if (i < c->mail_n) {
        c->mail[i].last->next = note;
        c->mail[i].last = note;
        return;
    }
    if (c->mail_n == c->mail_cap) {
        c->mail_cap = c->mail_cap ? c->mail_cap * 2 : 16;
        c->mail = mem_grow(c->mail, c->mail_cap * sizeof *c->mail);
    }
    c->mail[c->mail_n++] = (struct committer_mail){to, note, note};
}

/* Announcements first: who hears that an operation is done may count on having heard what it changed. */
static void committer_send(struct committer *c)
{
    c->mail_n = 0;
    for (size_t i = 0; i < c->txn->told_n; i++)
        committer_mail_add(c, c->store->homes[c->txn->told[i].home], c->txn->told[i].note);
    txn_write_told_clear(c->txn);
    for (size_t i = 0; i < c->n; i++)
        committer_mail_add(c, c->batch[i]->home, &c->batch[i]->note);
    for (size_t i = 0; i < c->mail_n; i++)
        c->mail[i].to->send(c->mail[i].to, c->mail[i].first, c->mail[i].last);
}

static void *committer_main(void *arg)
{
    struct committer *c = arg;
    while (committer_take(c)) {
        committer_batch(c);
        space_look(c->store->space); /* a flood fills a disk faster than housekeeping turns */
        atomic_fetch_add(&c->batches, 1);
        atomic_fetch_add(&c->ops, c->n);
        committer_send(c);
    }
    return NULL;
}

/* --- life --- */

enum err committer_open(struct store *st, struct fault *f)
{
    must(st->options.batch_count > 0);
    struct committer *c = mem_new(struct committer);
    c->store = st;
    enum err e = txn_write_new(st, &c->txn, f);
    if (e != ERR_OK) {
        mem_free(c);
        return e;
    }
    must(pthread_mutex_init(&c->mutex, NULL) == 0);
    must(pthread_cond_init(&c->more, NULL) == 0);
    c->batch = mem_alloc(st->options.batch_count * sizeof(struct store_op *));
    st->committer = c;
    must(pthread_create(&c->thread, NULL, committer_main, c) == 0);
    return ERR_OK;
}

void committer_stop(struct store *st)
{
    struct committer *c = st->committer;
    if (!c || c->joined)
        return;
    (void)pthread_mutex_lock(&c->mutex);
    c->stopping = true;
    (void)pthread_cond_signal(&c->more);
    (void)pthread_mutex_unlock(&c->mutex);
    (void)pthread_join(c->thread, NULL);
    c->joined = true;
}

void committer_close(struct store *st)
{
    struct committer *c = st->committer;
    if (!c)
        return;
    must(c->joined);
    txn_write_free(&c->txn);
    (void)pthread_cond_destroy(&c->more);
    (void)pthread_mutex_destroy(&c->mutex);
    mem_free(c->batch);
    mem_free(c->mail);
    mem_free(c);
    st->committer = NULL;
}

unsigned long committer_batches(const struct store *st)
{
    return atomic_load(&st->committer->batches);
}

void committer_stats(struct store *st, struct buf *out)
{
    struct committer *c = st->committer;
    (void)buf_addf(out,
                   "batches=%lu\nops=%lu\nops_failed=%lu\nbatches_again=%lu\nbatches_undone=%lu\n",
                   atomic_load(&c->batches), atomic_load(&c->ops), atomic_load(&c->failed),
                   atomic_load(&c->again), atomic_load(&c->undone));
}
