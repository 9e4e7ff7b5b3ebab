#pragma once /* tests/unit/store/unit_store.h: a store in a directory of its own, and a thread's letter box */
#include "common/log.h"
#include "common/mem.h"
#include "store/committer.h"
#include "store/table.h"
#include "tests/unit/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static char unit_dir[64];

static inline struct store_options unit_options(void)
{
    struct store_options o = store_options_default;
    o.dir = unit_dir;
    o.cache_bytes = 8u << 20;
    o.low_water_bytes = 1;
    o.ballast_bytes = 0;
    return o;
}

/* For cmocka: a fresh directory, and removed with what is in it. */
static inline int unit_dir_make(void **state)
{
    (void)state;
    log_level(LOG_ERROR);
    (void)snprintf(unit_dir, sizeof unit_dir, "/tmp/mailstead-unit-XXXXXX");
    return mkdtemp(unit_dir) ? 0 : -1;
}

static inline int unit_dir_remove(void **state)
{
    (void)state;
    DIR *d = opendir(unit_dir);
    for (struct dirent *e; d && (e = readdir(d));)
        (void)unlinkat(dirfd(d), e->d_name, 0);
    if (d)
        (void)closedir(d);
    return rmdir(unit_dir);
}

static inline char *unit_path(const char *name)
{
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", unit_dir, name);
    return path;
}

#define unit_test_dir(fn) cmocka_unit_test_setup_teardown(fn, unit_dir_make, unit_dir_remove)

static inline void unit_assert_ok(enum err e, const struct fault *f)
{
    if (e != ERR_OK)
        fail_msg("%s: %s", fault_name(e), f->text);
}

static inline struct store *unit_store_open(const struct store_options *o)
{
    struct store *st = NULL;
    struct fault f = FAULT_NONE;
    unit_assert_ok(store_open(o, &st, &f), &f);
    return st;
}

static inline struct txn *unit_read(struct store *st)
{
    struct txn *t = NULL;
    struct fault f = FAULT_NONE;
    unit_assert_ok(txn_read(st, &t, &f), &f);
    return t;
}

/* An operation that puts one row. */
struct unit_put {
    struct store_op op;
    enum table table;
    struct span key, value;
};

static inline enum err unit_put_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    struct unit_put *p = (struct unit_put *)(void *)op;
    return table_put(t, p->table, p->key, p->value, f);
}

static inline enum err unit_put(struct store *st, enum table table, struct span key,
                                struct span value)
{
    struct unit_put p = {
        .op = {.apply = unit_put_apply}, .table = table, .key = key, .value = value};
    return committer_run(st, &p.op, NULL);
}

/* What a key has now, in a buffer that the next call reuses; "(none)" where there is none. */
static inline struct span unit_value(struct store *st, enum table table, struct span key)
{
    static char kept[4096];
    struct txn *t = unit_read(st);
    struct buf b;
    buf_init(&b, sizeof kept);
    struct fault f = FAULT_NONE;
    enum err e = table_get(t, table, key, &b, &f);
    if (e == ERR_NOTFOUND)
        (void)buf_addz(&b, "(none)");
    else
        unit_assert_ok(e, &f);
    txn_read_end(&t);
    struct span s = span_of(kept, b.n);
    memcpy(kept, b.p, b.n);
    buf_fini(&b);
    return s;
}

/* A letter box whose owner runs what came when it likes. */
struct unit_box {
    struct post post;
    pthread_mutex_t mutex;
    pthread_cond_t more;
    struct post_note *first, *last;
};

static inline void unit_box_send(struct post *self, struct post_note *first, struct post_note *last)
{
    struct unit_box *b = (struct unit_box *)(void *)self;
    pthread_mutex_lock(&b->mutex);
    if (b->first)
        b->last->next = first;
    else
        b->first = first;
    b->last = last;
    last->next = NULL;
    pthread_cond_signal(&b->more);
    pthread_mutex_unlock(&b->mutex);
}

#define UNIT_BOX                                                                                   \
    {                                                                                              \
        {unit_box_send}, PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL, NULL           \
    }

/* Waits for at least one note and runs those that are there. */
static inline void unit_box_run(struct unit_box *b)
{
    pthread_mutex_lock(&b->mutex);
    while (!b->first)
        pthread_cond_wait(&b->more, &b->mutex);
    struct post_note *n = b->first;
    b->first = NULL;
    pthread_mutex_unlock(&b->mutex);
    for (struct post_note *next; n; n = next) {
        next = n->next;
        n->run(n);
    }
}
