#include "auth/hash_pool.h"

#include "common/mem.h"
#include "common/must.h"
#include "auth/password.h"

#include <pthread.h>
#include <time.h>

struct hash_pool {
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct list_node queue; /* to be verified, in the order they came */
    unsigned queued, queue_count;
    struct list_node wrong; /* to be told, by due_ms */
    bool ending;
    unsigned thread_count;
    pthread_t threads[];
};

uint64_t hash_pool_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static struct hash_job *hash_pool_first(struct list_node *list)
{
    return list_empty(list) ? NULL : list_entry(list->next, struct hash_job, node);
}

/* Under the lock. All delays are about the same, so its place is at the end or close to it. */
static void hash_pool_add_wrong(struct hash_pool *p, struct hash_job *job)
{
    struct list_node *after = p->wrong.prev;
    while (after != &p->wrong && list_entry(after, struct hash_job, node)->due_ms > job->due_ms)
        after = after->prev;
    job->right = false;
    list_add(after->next, &job->node);
    pthread_cond_signal(&p->work);
}

/* Under the lock: tells those that are due. Returns when the next one is, 0 if there is none. */
static uint64_t hash_pool_tell(struct hash_pool *p)
{
    uint64_t now = hash_pool_now();
    struct hash_job *job;
    while ((job = hash_pool_first(&p->wrong)) != NULL && job->due_ms <= now) {
        list_drop(&job->node);
        post_send(job->home, &job->note);
    }
    return job ? job->due_ms : 0;
}

/* Under the lock. */
static void hash_pool_wait(struct hash_pool *p, uint64_t until_ms)
{
    struct timespec at = {.tv_sec = (time_t)(until_ms / 1000),
                          .tv_nsec = (long)(until_ms % 1000) * 1000000};
    if (until_ms)
        pthread_cond_timedwait(&p->work, &p->lock, &at);
    else
        pthread_cond_wait(&p->work, &p->lock);
}

static void hash_pool_one(struct hash_pool *p, struct password_work *w, struct hash_job *job)
{
    list_drop(&job->node);
    p->queued--;
    pthread_mutex_unlock(&p->lock);
    bool right = job->work ? job->work(job) : password_verify(w, job->password, job->verifier);
    pthread_mutex_lock(&p->lock);
    job->right = right;
    if (right)
        post_send(job->home, &job->note);
    else
        hash_pool_add_wrong(p, job);
}

static void *hash_pool_run(void *arg)
{
    struct hash_pool *p = arg;
    struct password_work *w = password_work_new();
    pthread_mutex_lock(&p->lock);
    while (!p->ending) {
        uint64_t due_ms = hash_pool_tell(p);
        struct hash_job *job = hash_pool_first(&p->queue);
        if (job)
            hash_pool_one(p, w, job);
        else
            hash_pool_wait(p, due_ms);
    }
    pthread_mutex_unlock(&p->lock);
    password_work_free(&w);
    return NULL;
}

struct hash_pool *hash_pool_new(unsigned thread_count, unsigned queue_count)
{
    struct hash_pool *p = mem_zalloc(sizeof *p + thread_count * sizeof p->threads[0]);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&p->work, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&p->lock, NULL);
    list_init(&p->queue);
    list_init(&p->wrong);
    p->queue_count = queue_count;
    for (; p->thread_count < thread_count; p->thread_count++)
        must(pthread_create(&p->threads[p->thread_count], NULL, hash_pool_run, p) == 0);
    return p;
}

void hash_pool_free(struct hash_pool **pool)
{
    struct hash_pool *p = *pool;
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    must(list_empty(&p->queue) && list_empty(&p->wrong));
    p->ending = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->thread_count; i++)
        pthread_join(p->threads[i], NULL);
    pthread_cond_destroy(&p->work);
    pthread_mutex_destroy(&p->lock);
    mem_free(p);
    *pool = NULL;
}

bool hash_pool_verify(struct hash_pool *p, struct hash_job *job)
{
    pthread_mutex_lock(&p->lock);
    bool taken = p->queued < p->queue_count;
    if (taken) {
        list_init(&job->node);
        list_add(&p->queue, &job->node);
        p->queued++;
        pthread_cond_signal(&p->work);
    }
    pthread_mutex_unlock(&p->lock);
    return taken;
}

void hash_pool_refuse(struct hash_pool *p, struct hash_job *job)
{
    pthread_mutex_lock(&p->lock);
    list_init(&job->node);
    hash_pool_add_wrong(p, job);
    pthread_mutex_unlock(&p->lock);
}
