#pragma once /* tests/unit/route/town.h: a store of its own with domains, accounts and aliases */
#include "tests/unit/unit.h"

#include "common/arena.h"
#include "store/committer.h"
#include "store/directory.h"
#include "store/store.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#define TOWN_TARGET_COUNT 12

struct town_alias {
    const char *key;
    const char *targets[TOWN_TARGET_COUNT];
};

/* What to write; each list ends with NULL. */
struct town_plan {
    struct store_op op;
    const char *const *domains, *const *accounts;
    const struct town_alias *aliases;
    const char *verifier; /* of the accounts; NULL: none */
};

struct town {
    char dir[64];
    struct store *store;
};

static inline int town_unlink(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

static inline void town_open(struct town *town)
{
    struct fault f = FAULT_NONE;
    struct store_options o = store_options_default;
    snprintf(town->dir, sizeof town->dir, "/tmp/mailstead-town-XXXXXX");
    assert_non_null(mkdtemp(town->dir));
    o.dir = town->dir;
    o.cache_bytes = 4u << 20;
    o.low_water_bytes = 1;
    o.ballast_bytes = 0;
    assert_int_equal(store_open(&o, &town->store, &f), ERR_OK);
}

static inline void town_close(struct town *town)
{
    store_close(&town->store);
    nftw(town->dir, town_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

static inline enum err town_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    const struct town_plan *plan = (const struct town_plan *)op;
    enum err e = ERR_OK;
    for (size_t i = 0; e == ERR_OK && plan->domains && plan->domains[i]; i++)
        e = directory_domain_add(t, span_cstr(plan->domains[i]), f);
    for (size_t i = 0; e == ERR_OK && plan->accounts && plan->accounts[i]; i++) {
        uint64_t id;
        e = directory_account_add(t, span_cstr(plan->accounts[i]), span_cstr(plan->verifier), &id,
                                  f);
    }
    for (size_t i = 0; e == ERR_OK && plan->aliases && plan->aliases[i].key; i++) {
        struct span targets[TOWN_TARGET_COUNT];
        size_t n = 0;
        while (n < TOWN_TARGET_COUNT && plan->aliases[i].targets[n]) {
            targets[n] = span_cstr(plan->aliases[i].targets[n]);
            n++;
        }
        e = directory_alias_put(t, span_cstr(plan->aliases[i].key), targets, n, f);
    }
    return e;
}

static inline void town_write(struct town *town, struct town_plan plan)
{
    struct fault f = FAULT_NONE;
    plan.op.apply = town_apply;
    plan.op.actor.kind = ACTOR_ADMIN;
    assert_int_equal(committer_run(town->store, &plan.op, &f), ERR_OK);
}
