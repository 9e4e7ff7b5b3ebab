#include "route/alias.h"

#include "common/map.h"
#include "store/directory.h"

/* What the walk knows about an alias that it has met. */
static char alias_open, alias_good,
    alias_empty; /* being expanded; leads somewhere; leads nowhere */

struct alias_walk {
    struct txn *t;
    struct arena *a;
    const struct route_options *o;
    struct map
        *met; /* key of an alias to one of the three above; made when the first alias comes */
    struct alias_targets *out;
    size_t room;
    unsigned total;
    struct fault *f;
};

static enum err alias_address(struct alias_walk *w, struct span key, unsigned depth);

static void alias_add(struct alias_walk *w, struct span key, uint64_t account)
{
    if (w->out->n == w->room) {
        struct alias_target *old = w->out->list;
        w->room = w->room ? w->room * 2 : 4;
        w->out->list = arena_alloc(w->a, w->room * sizeof *old);
        if (w->out->n)
            memcpy(w->out->list, old, w->out->n * sizeof *old);
    }
    w->out->list[w->out->n++] = (struct alias_target){arena_keep(w->a, key), account};
}

static enum err alias_account(struct alias_walk *w, struct span key)
{
    struct account account;
    enum err e = directory_account_find(w->t, w->a, key, &account, w->f);
    if (e == ERR_OK)
        alias_add(w, key, account.id);
    return e;
}

/* An alias that names itself: the account of that name, which a lab would make. */
static enum err alias_self(struct alias_walk *w, struct span key)
{
    enum err e = alias_account(w, key);
    if (e != ERR_NOTFOUND || !w->o->lab || key.p[0] == '@')
        return e;
    alias_add(w, key, 0);
    return ERR_OK;
}

static enum err alias_each_target(struct alias_walk *w, struct span key, const struct span *targets,
                                  size_t n, unsigned depth)
{
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        enum err e =
            span_eq(targets[i], key) ? alias_self(w, key) : alias_address(w, targets[i], depth + 1);
        if (e != ERR_OK && e != ERR_NOTFOUND)
            return e;
        any |= e == ERR_OK;
        w->out->dangling += e == ERR_NOTFOUND;
    }
    return any ? ERR_OK : ERR_NOTFOUND;
}

/* ERR_NOTFOUND: there is no such alias, or it leads nowhere. */
static enum err alias_expand(struct alias_walk *w, struct span key, unsigned depth, bool *there)
{
    struct span *targets;
    size_t n;
    const char *met = w->met ? map_get(w->met, key) : NULL;
    *there = met != NULL;
    if (met == &alias_open)
        return fault_set(w->f, ERR_CORRUPT, "alias %.*s leads back to itself", SPAN_ARG(key));
    if (met)
        return met == &alias_good ? ERR_OK : ERR_NOTFOUND;
    enum err e = directory_alias_find(w->t, w->a, key, &targets, &n, w->f);
    if (e != ERR_OK)
        return e;
    *there = true;
    if (depth >= w->o->alias_depth_count)
        return fault_set(w->f, ERR_CORRUPT, "alias %.*s: nested deeper than %u", SPAN_ARG(key),
                         w->o->alias_depth_count);
    if (!w->met)
        w->met = map_new();
    map_put(w->met, key, &alias_open);
    e = alias_each_target(w, key, targets, n, depth);
    map_put(w->met, key, e == ERR_OK ? &alias_good : &alias_empty);
    return e;
}

/* The alias or else the account of exactly that name. */
static enum err alias_name(struct alias_walk *w, struct span key, unsigned depth)
{
    bool there;
    enum err e = alias_expand(w, key, depth, &there);
    return e == ERR_NOTFOUND && !there ? alias_account(w, key) : e;
}

/* key without the detail of its local-part; key itself if it has none. */
static struct span alias_base(struct alias_walk *w, struct span key, size_t at)
{
    for (size_t i = 1; i < at; i++)
        if (strchr(w->o->separators, key.p[i]))
            return arena_printf(w->a, "%.*s%.*s", (int)i, key.p, SPAN_ARG(span_from(key, at)));
    return key;
}

static enum err alias_address(struct alias_walk *w, struct span key, unsigned depth)
{
    if (++w->total > w->o->alias_total_count)
        return fault_set(w->f, ERR_CORRUPT, "alias %.*s: more than %u addresses", SPAN_ARG(key),
                         w->o->alias_total_count);
    enum err e = alias_name(w, key, depth);
    if (e != ERR_NOTFOUND)
        return e;
    size_t at = key.n;
    while (at > 0 && key.p[at - 1] != '@')
        at--;
    if (at == 0)
        return ERR_NOTFOUND;
    struct span base = alias_base(w, key, at - 1);
    if (base.n != key.n && (e = alias_name(w, base, depth)) != ERR_NOTFOUND)
        return e;
    bool there;
    e = alias_expand(w, span_from(key, at - 1), depth, &there);
    if (e != ERR_NOTFOUND || !w->o->lab)
        return e;
    alias_add(w, base, 0);
    return ERR_OK;
}

struct alias_first {
    struct arena *a;
    struct span domain;
};

static bool alias_first_domain(void *arg, struct span domain)
{
    struct alias_first *first = arg;
    first->domain = arena_keep(first->a, domain);
    return false;
}

/* The domain that <Postmaster> means. */
static enum err alias_own_domain(struct txn *t, struct arena *a, bool lab, struct span *out,
                                 struct fault *f)
{
    struct alias_first first = {a, {NULL, 0}};
    enum err e = directory_each_domain(t, alias_first_domain, &first, f);
    if (first.domain.n == 0 && lab)
        first.domain = SPAN("localhost");
    *out = first.domain;
    return e == ERR_OK && first.domain.n == 0 ? ERR_NOTFOUND : e;
}

enum err alias_resolve(struct txn *t, struct arena *a, const struct route_options *o,
                       struct address addr, struct alias_targets *out, struct fault *f)
{
    struct alias_walk w = {.t = t, .a = a, .o = o, .out = out, .f = f};
    struct span key, domain;
    *out = (struct alias_targets){0};
    if (addr.domain.n == 0) {
        enum err e = alias_own_domain(t, a, o->lab, &addr.domain, f);
        if (e != ERR_OK)
            return e;
    }
    if (!address_domain_key(a, addr.domain, &domain) || !address_key(a, addr, &key))
        return fault_set(f, ERR_DENIED, "not a domain of ours");
    enum err e = directory_domain_find(t, domain, f);
    if (e == ERR_NOTFOUND && !o->lab)
        return fault_set(f, ERR_DENIED, "not a domain of ours");
    if (e != ERR_OK && e != ERR_NOTFOUND)
        return e;
    e = alias_address(&w, key, 0);
    map_free(&w.met);
    return e;
}
