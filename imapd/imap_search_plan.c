#include "imapd/imap_search.h"

/* Room: what can be said of a search before any message is looked at. Sets of UIDs and the flags that the loop keeps answer
 * many searches alone and bound the others. */

static bool bound_list(const struct search_key *keys, const struct search_sets *sets,
                       struct uidset *upper);

/* Intersects with them, or takes them away. */
static void keep(struct uidset *upper, const struct uidset *uids, bool in)
{
    if (in)
        uidset_intersect(upper, uids);
    else
        uidset_remove_set(upper, uids);
}

static bool bound_flag(const struct search_sets *sets, uint32_t flag, bool set,
                       struct uidset *upper)
{
    if (!sets->flags)
        return false;
    keep(upper, imap_flagset_flag(sets->flags, flag), set);
    return true;
}

static bool bound_keyword(const struct search_key *k, const struct search_sets *sets,
                          struct uidset *upper)
{
    if (!k->known) {
        if (k->set)
            uidset_clear(upper);
        return true;
    }
    const struct uidset *uids = sets->flags ? imap_flagset_keyword(sets->flags, k->bit) : NULL;
    if (uids)
        keep(upper, uids, k->set);
    return uids != NULL;
}

static void bound_recent(const struct search_sets *sets, bool set, struct uidset *upper)
{
    const struct imap_view *v = sets->view;
    if (v && imap_view_recent(v, UINT32_MAX)) {
        struct uidset recent = {0};
        uidset_add(&recent, v->recent_from ? v->recent_from : 1, UINT32_MAX);
        keep(upper, &recent, set);
        uidset_fini(&recent);
    } else if (set) {
        uidset_clear(upper);
    }
}

/* What the list finds leaves, or, where it cannot be said exactly, nothing does. */
static bool bound_not(const struct search_key *keys, const struct search_sets *sets,
                      struct uidset *upper)
{
    struct uidset found = {0};
    uidset_copy(&found, upper);
    bool exact = bound_list(keys, sets, &found);
    if (exact)
        uidset_remove_set(upper, &found);
    uidset_fini(&found);
    return exact;
}

static bool bound_or(const struct search_key *k, const struct search_sets *sets,
                     struct uidset *upper)
{
    struct uidset other = {0};
    uidset_copy(&other, upper);
    bool a = bound_list(k->a, sets, upper);
    bool b = bound_list(k->b, sets, &other);
    uidset_add_set(upper, &other);
    uidset_fini(&other);
    return a && b;
}

static bool bound_key(const struct search_key *k, const struct search_sets *sets,
                      struct uidset *upper)
{
    switch (k->kind) {
    case SEARCH_ALL:
        return true;
    case SEARCH_FLAG:
        return bound_flag(sets, k->flag, k->set, upper);
    case SEARCH_KEYWORD:
        return bound_keyword(k, sets, upper);
    case SEARCH_RECENT:
        bound_recent(sets, k->set, upper);
        return true;
    case SEARCH_NEW:
        bound_recent(sets, true, upper);
        return bound_flag(sets, FLAGS_SEEN, false, upper);
    case SEARCH_SET:
        uidset_intersect(upper, k->uids);
        return true;
    case SEARCH_GROUP:
        return k->negated ? bound_not(k->a, sets, upper) : bound_list(k->a, sets, upper);
    case SEARCH_OR:
        return bound_or(k, sets, upper);
    case SEARCH_SIZE_OVER:
    case SEARCH_SIZE_UNDER:
    case SEARCH_MODSEQ:
    case SEARCH_INTERNAL:
    case SEARCH_SAVED:
    case SEARCH_OLDER:
    case SEARCH_YOUNGER:
    case SEARCH_EMAIL:
    case SEARCH_THREAD:
    case SEARCH_SENT:
    case SEARCH_HEADER:
    case SEARCH_BODY:
    case SEARCH_TEXT:
        break;
    }
    return false;
}

static bool bound_list(const struct search_key *keys, const struct search_sets *sets,
                       struct uidset *upper)
{
    bool exact = true;
    for (const struct search_key *k = keys; k; k = k->next)
        exact &= bound_key(k, sets, upper);
    return exact;
}

bool imap_search_plan(const struct search_key *keys, const struct search_sets *sets,
                      struct uidset *upper)
{
    return bound_list(keys, sets, upper);
}
