#include "store/directory.h"
#include "common/clock.h"
#include "store/acl.h"
#include "store/bin.h"
#include "store/changes.h"
#include "store/credential.h"
#include "store/mailbox.h"
#include "store/msg.h"
#include "store/metadata.h"
#include "store/quota.h"
#include "store/schema.h"
#include "store/thread.h"

#include <inttypes.h>

static enum err damaged(const char *what, struct span key, struct fault *f)
{
    return fault_set(f, ERR_CORRUPT, "%s %.*s: damaged row", what, SPAN_ARG(key));
}

static bool fits(struct span key)
{
    return key.n > 0 && key.n <= SCHEMA_ADDRESS_BYTES;
}

static enum err refuse(struct fault *f)
{
    return fault_set(f, ERR_INVALID, "empty, or longer than %d bytes", SCHEMA_ADDRESS_BYTES);
}

/* --- domains --- */

static enum err number_row(struct txn *t, enum table table, struct span key, uint64_t *out,
                           const char *what, struct fault *f)
{
    if (!fits(key))
        return fault_set(f, ERR_NOTFOUND, "no such %s", what);
    enum err e = table_get_u64(t, table, key, out, f);
    return e == ERR_NOTFOUND ? fault_set(f, e, "no such %s", what) : e;
}

enum err directory_domain_find(struct txn *t, struct span domain, struct fault *f)
{
    uint64_t created;
    return number_row(t, TABLE_DOMAIN, domain, &created, "domain", f);
}

enum err directory_domain_add(struct txn *t, struct span domain, struct fault *f)
{
    char created[8];
    if (!fits(domain))
        return refuse(f);
    enum err e =
        table_add(t, TABLE_DOMAIN, domain, schema_number_value(created, (uint64_t)clock_wall()), f);
    return e == ERR_EXISTS ? fault_set(f, e, "domain exists") : e;
}

static bool ends_with(struct span s, struct span end)
{
    return s.n >= end.n && span_eq(span_from(s, s.n - end.n), end);
}

/* Whether a key of that table, of those that begin with prefix, is an address at the domain. */
static enum err is_used(struct txn *t, enum table table, struct span prefix, struct span domain,
                        bool *used, struct fault *f)
{
    struct span key, value;
    struct table_walk w;
    table_walk(&w, t, table, prefix, false);
    while (!*used && table_walk_next(&w, &key, &value) && schema_has_prefix(key, prefix))
        *used = key.n > domain.n && ends_with(key, domain) && key.p[key.n - domain.n - 1] == '@';
    return table_walk_end(&w, f);
}

enum err directory_domain_remove(struct txn *t, struct span domain, struct fault *f)
{
    bool used = false;
    enum err e = directory_domain_find(t, domain, f);
    if (e == ERR_OK)
        e = is_used(t, TABLE_ACCOUNT, SPAN("a"), domain, &used, f);
    if (e == ERR_OK)
        e = is_used(t, TABLE_ALIAS, SPAN(""), domain, &used, f);
    if (e == ERR_OK && used)
        e = fault_set(f, ERR_INVALID, "domain %.*s still has accounts or aliases",
                      SPAN_ARG(domain));
    return e == ERR_OK ? table_drop(t, TABLE_DOMAIN, domain, f) : e;
}

enum err directory_each_domain(struct txn *t, bool (*fn)(void *arg, struct span domain), void *arg,
                               struct fault *f)
{
    struct span key, value;
    struct table_walk w;
    table_walk(&w, t, TABLE_DOMAIN, SPAN(""), true);
    while (table_walk_next(&w, &key, &value) && fn(arg, key))
        ;
    return table_walk_end(&w, f);
}

/* --- accounts --- */

static enum err account_id(struct txn *t, struct span address, uint64_t *id, struct fault *f)
{
    struct schema_key k;
    if (!fits(address))
        return fault_set(f, ERR_NOTFOUND, "no such account");
    enum err e = table_get_u64(t, TABLE_ACCOUNT, schema_address_key(&k, address), id, f);
    return e == ERR_NOTFOUND ? fault_set(f, e, "no such account") : e;
}

enum err directory_account_get(struct txn *t, struct arena *a, uint64_t id, struct account *out,
                               struct fault *f)
{
    struct schema_key k;
    struct buf row;
    buf_init(&row, SIZE_MAX);
    enum err e = table_get(t, TABLE_ACCOUNT, schema_account_key(&k, id), &row, f);
    if (e == ERR_NOTFOUND)
        (void)fault_set(f, e, "no such account");
    else if (e == ERR_OK && !schema_account_of(arena_keep(a, buf_span(&row)), out))
        e = fault_set(f, ERR_CORRUPT, "account %" PRIu64 ": damaged row", id);
    out->id = id;
    buf_fini(&row);
    return e;
}

enum err directory_account_find(struct txn *t, struct arena *a, struct span address,
                                struct account *out, struct fault *f)
{
    uint64_t id;
    enum err e = account_id(t, address, &id, f);
    if (e != ERR_OK)
        return e;
    e = directory_account_get(t, a, id, out, f);
    return e == ERR_NOTFOUND ? damaged("account", address, f) : e;
}

static enum err account_put(struct txn *t, const struct account *account, struct fault *f)
{
    struct schema_key k;
    struct buf row;
    buf_init(&row, SIZE_MAX);
    schema_account(account, &row);
    enum err e =
        table_put(t, TABLE_ACCOUNT, schema_account_key(&k, account->id), buf_span(&row), f);
    buf_fini(&row);
    return e;
}

/* Without mailboxes. */
static enum err account_make(struct txn *t, struct span address, struct span verifier,
                             uint64_t *id_out, struct fault *f)
{
    struct account account = {.address = address, .verifier = verifier, .created = clock_wall()};
    struct schema_key k;
    char id[8];
    if (!fits(address))
        return refuse(f);
    enum err e = account_id(t, address, &account.id, f);
    if (e == ERR_OK)
        return fault_set(f, ERR_EXISTS, "account exists");
    if (e == ERR_NOTFOUND)
        e = txn_new_id(t, &account.id, f);
    if (e == ERR_OK)
        e = table_put(t, TABLE_ACCOUNT, schema_address_key(&k, address),
                      schema_number_value(id, account.id), f);
    if (e == ERR_OK)
        e = account_put(t, &account, f);
    *id_out = account.id;
    return e;
}

enum err directory_account_add(struct txn *t, struct span address, struct span verifier,
                               uint64_t *id_out, struct fault *f)
{
    uint64_t id;
    enum err e = account_make(t, address, verifier, &id, f);
    if (e == ERR_OK)
        e = mailbox_create_defaults(t, id, f);
    if (e == ERR_OK && id_out)
        *id_out = id;
    return e;
}

enum err directory_account_verifier(struct txn *t, struct span address, struct span verifier,
                                    struct fault *f)
{
    struct account account;
    struct arena *a = arena_new();
    enum err e = directory_account_find(t, a, address, &account, f);
    account.verifier = verifier;
    if (e == ERR_OK)
        e = account_put(t, &account, f);
    if (e == ERR_OK)
        e = credential_forget(t, account.id, f);
    arena_free(&a);
    return e;
}

/* --- shared accounts --- */

enum err directory_shared_add(struct txn *t, struct span address, uint64_t *id_out, struct fault *f)
{
    struct schema_key k;
    uint64_t id;
    enum err e = account_make(t, address, SPAN(""), &id, f);
    if (e == ERR_OK)
        e = table_put(t, TABLE_ACCOUNT, schema_shared_key(&k, id), SPAN(""), f);
    if (e == ERR_OK)
        e = mailbox_create(t, id, SPAN("INBOX"), 0, NULL, f);
    if (e == ERR_OK && id_out)
        *id_out = id;
    return e;
}

enum err directory_account_shared(struct txn *t, uint64_t id, bool *out, struct fault *f)
{
    struct schema_key k;
    struct buf none;
    buf_init(&none, 1);
    enum err e = table_get(t, TABLE_ACCOUNT, schema_shared_key(&k, id), &none, f);
    *out = e == ERR_OK;
    buf_fini(&none);
    return e == ERR_NOTFOUND ? ERR_OK : e;
}

static enum err drop_shared(struct txn *t, uint64_t id, struct fault *f)
{
    struct schema_key k;
    enum err e = table_drop(t, TABLE_ACCOUNT, schema_shared_key(&k, id), f);
    return e == ERR_NOTFOUND ? ERR_OK : e;
}

enum err directory_each_account(struct txn *t, struct arena *a,
                                bool (*fn)(void *arg, const struct account *), void *arg,
                                struct fault *f)
{
    struct span key, value, prefix = SPAN("a");
    struct table_walk w;
    struct account account;
    bool more = true;
    enum err e = ERR_OK;
    table_walk(&w, t, TABLE_ACCOUNT, prefix, true);
    while (more && e == ERR_OK && table_walk_next(&w, &key, &value) &&
           schema_has_prefix(key, prefix)) {
        uint64_t id;
        e = schema_number(value, &id) ? directory_account_get(t, a, id, &account, f) : ERR_NOTFOUND;
        if (e == ERR_NOTFOUND)
            e = damaged("account", span_from(key, 1), f);
        more = e == ERR_OK && fn(arg, &account);
    }
    enum err end = table_walk_end(&w, e == ERR_OK ? f : NULL);
    return e == ERR_OK ? end : e;
}

/* --- taking an account away --- */

struct leaving {
    struct txn *t;
    struct account account;
    unsigned left; /* rows that this slice may still take */
};

static enum err empty_box(struct leaving *l, uint64_t id, struct fault *f)
{
    unsigned gone;
    enum err e = msg_purge(l->t, id, l->left, &gone, f);
    l->left -= gone < l->left ? gone : l->left;
    return e;
}

static bool box_add(void *arg, const struct mailbox *box)
{
    return buf_add(arg, span_of(&box->id, sizeof box->id));
}

static enum err drop_box(struct leaving *l, uint64_t id, struct fault *f)
{
    struct mailbox_row row;
    enum err e = mailbox_row_get(l->t, id, &row, f);
    if (e != ERR_OK)
        return e;
    e = mailbox_row_drop(l->t, &row, f);
    mailbox_row_end(&row);
    return e;
}

typedef enum err box_fn(struct leaving *l, uint64_t id, struct fault *f);

/* fn for each mailbox, while the slice has room. */
static enum err each_box(struct leaving *l, const struct buf *ids, box_fn *fn, struct fault *f)
{
    enum err e = ERR_OK;
    for (size_t at = 0; at < ids->n && e == ERR_OK && l->left > 0; at += sizeof(uint64_t)) {
        uint64_t id;
        memcpy(&id, ids->p + at, sizeof id);
        e = fn(l, id, f);
    }
    return e;
}

static enum err drop_subscriptions(struct leaving *l, struct fault *f)
{
    struct schema_key k;
    struct span key, value, mine = schema_id_key(&k, l->account.id);
    struct table_walk w;
    enum err e = ERR_OK;
    table_walk(&w, l->t, TABLE_SUBSCRIPTION, mine, true);
    while (e == ERR_OK && table_walk_next(&w, &key, &value) && schema_has_prefix(key, mine))
        e = table_drop(l->t, TABLE_SUBSCRIPTION, key, f);
    enum err end = table_walk_end(&w, e == ERR_OK ? f : NULL);
    return e == ERR_OK ? end : e;
}

/* The rows of messages, the bin and the log; then the slice has room left. */
static enum err drop_contents(struct leaving *l, const struct buf *ids, struct fault *f)
{
    unsigned gone = 0;
    enum err e = each_box(l, ids, empty_box, f);
    if (e == ERR_OK && l->left > 0)
        e = bin_purge(l->t, l->account.id, l->left, &gone, f);
    l->left -= gone;
    if (e == ERR_OK && l->left > 0)
        e = changes_purge(l->t, l->account.id, l->left, &gone, f);
    else
        gone = 0;
    l->left -= gone;
    if (e == ERR_OK && l->left > 0)
        e = thread_purge(l->t, l->account.id, l->left, &gone, f);
    else
        gone = 0;
    l->left -= gone;
    return e;
}

/* What is left by then is little; the log again, for the mailboxes are in it. */
static enum err drop_rest(struct leaving *l, const struct buf *ids, struct fault *f)
{
    struct schema_key k;
    unsigned gone = 0;
    enum err e = each_box(l, ids, drop_box, f);
    if (e == ERR_OK)
        e = drop_subscriptions(l, f);
    if (e == ERR_OK)
        e = acl_forget(l->t, l->account.id, f);
    if (e == ERR_OK)
        e = drop_shared(l->t, l->account.id, f);
    if (e == ERR_OK)
        e = changes_purge(l->t, l->account.id, UINT32_MAX, &gone, f);
    if (e == ERR_OK)
        e = quota_drop(l->t, l->account.id, f);
    if (e == ERR_OK)
        e = metadata_forget(l->t, l->account.id, f);
    if (e == ERR_OK)
        e = table_drop(l->t, TABLE_ACCOUNT, schema_address_key(&k, l->account.address), f);
    if (e == ERR_OK)
        e = table_drop(l->t, TABLE_ACCOUNT, schema_account_key(&k, l->account.id), f);
    return e;
}

static enum err take_away(struct leaving *l, bool *done, struct fault *f)
{
    struct buf ids;
    struct arena *a = arena_new();
    buf_init(&ids, SIZE_MAX);
    enum err e = mailbox_each(l->t, a, l->account.id, SPAN(""), box_add, &ids, f);
    if (e == ERR_OK)
        e = drop_contents(l, &ids, f);
    *done = l->left > 0;
    if (e == ERR_OK && *done)
        e = drop_rest(l, &ids, f);
    buf_fini(&ids);
    arena_free(&a);
    return e;
}

enum err directory_account_remove(struct txn *t, struct span address, unsigned max_messages,
                                  bool *done_out, struct fault *f)
{
    struct arena *a = arena_new();
    struct leaving l = {.t = t, .left = max_messages ? max_messages : 1};
    *done_out = false;
    enum err e = directory_account_find(t, a, address, &l.account, f);
    if (e == ERR_OK && l.account.verifier.n > 0)
        e = directory_account_verifier(t, address, SPAN(""), f); /* nobody logs in from now on */
    if (e == ERR_OK)
        e = credential_purge(t, l.account.id, f);
    if (e == ERR_OK)
        e = take_away(&l, done_out, f);
    arena_free(&a);
    return e;
}

/* --- aliases --- */

enum err directory_alias_find(struct txn *t, struct arena *a, struct span key,
                              struct span **targets_out, size_t *n_out, struct fault *f)
{
    struct buf row;
    if (!fits(key))
        return fault_set(f, ERR_NOTFOUND, "no such alias");
    buf_init(&row, SIZE_MAX);
    enum err e = table_get(t, TABLE_ALIAS, key, &row, f);
    if (e == ERR_NOTFOUND)
        (void)fault_set(f, e, "no such alias");
    else if (e == ERR_OK && !schema_spans_of(a, arena_keep(a, buf_span(&row)), targets_out, n_out))
        e = damaged("alias", key, f);
    buf_fini(&row);
    return e;
}

enum err directory_alias_put(struct txn *t, struct span key, const struct span *targets, size_t n,
                             struct fault *f)
{
    struct buf row;
    if (!fits(key))
        return refuse(f);
    if (n == 0 || n > UINT16_MAX)
        return fault_set(f, ERR_INVALID, "an alias has 1 to %d targets", UINT16_MAX);
    for (size_t i = 0; i < n; i++) {
        if (!fits(targets[i]))
            return refuse(f);
    }
    buf_init(&row, SIZE_MAX);
    schema_spans(targets, n, &row);
    enum err e = table_put(t, TABLE_ALIAS, key, buf_span(&row), f);
    buf_fini(&row);
    return e;
}

enum err directory_alias_remove(struct txn *t, struct span key, struct fault *f)
{
    enum err e = fits(key) ? table_drop(t, TABLE_ALIAS, key, f) : ERR_NOTFOUND;
    return e == ERR_NOTFOUND ? fault_set(f, e, "no such alias") : e;
}

enum err directory_each_alias(struct txn *t, struct arena *a,
                              bool (*fn)(void *arg, struct span key, const struct span *targets,
                                         size_t n),
                              void *arg, struct fault *f)
{
    struct span key, value, *targets;
    struct table_walk w;
    size_t n;
    bool more = true;
    enum err e = ERR_OK;
    table_walk(&w, t, TABLE_ALIAS, SPAN(""), true);
    while (more && table_walk_next(&w, &key, &value)) {
        bool good = schema_spans_of(a, arena_keep(a, value), &targets, &n);
        if (!good)
            e = damaged("alias", key, f);
        more = good && fn(arg, key, targets, n);
    }
    enum err end = table_walk_end(&w, e == ERR_OK ? f : NULL);
    return e == ERR_OK ? end : e;
}
