#include "store/expiry.h"
#include "store/schema.h"

/* The first account from *account on that has rows. ERR_NOTFOUND: none. */
static enum err find_account(struct txn *t, enum table table, uint64_t *account, struct fault *f)
{
    struct schema_key k;
    struct span key, value;
    struct table_walk w;
    table_walk(&w, t, table, schema_id_key(&k, *account), true);
    bool found = table_walk_next(&w, &key, &value);
    bool good = found && schema_id_of(span_to(key, 8), account);
    enum err e = table_walk_end(&w, f);
    if (e != ERR_OK || good)
        return e;
    return found ? fault_set(f, ERR_CORRUPT, "damaged key where an account should be")
                 : ERR_NOTFOUND;
}

/* Where the next call begins; only a store with many accounts needs to remember it. */
static enum err remember(struct txn *t, struct span next, uint64_t began, uint64_t account,
                         struct fault *f)
{
    if (account == began)
        return ERR_OK;
    enum err e = account ? table_put_u64(t, TABLE_META, next, account, f)
                         : table_drop(t, TABLE_META, next, f);
    return e == ERR_NOTFOUND ? ERR_OK : e;
}

enum err expiry_round(struct txn *t, enum table table, struct span next, expiry_fn *fn, void *arg,
                      struct fault *f)
{
    uint64_t account = 0;
    bool done = true;
    enum err e = table_get_u64(t, TABLE_META, next, &account, f);
    if (e == ERR_NOTFOUND)
        e = ERR_OK;
    uint64_t began = account;
    for (unsigned i = 0; e == ERR_OK && i < EXPIRY_ACCOUNT_COUNT; i++) {
        e = find_account(t, table, &account, f);
        if (e == ERR_NOTFOUND)
            return remember(t, next, began, 0, f);
        if (e == ERR_OK)
            e = fn(arg, t, account, &done, f);
        if (e != ERR_OK || !done)
            return e;
        account++;
    }
    return e == ERR_OK ? remember(t, next, began, account, f) : e;
}
