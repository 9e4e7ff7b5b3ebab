#include "auth/auth_account.h"

#include "message/address.h"

/* A bare local-part is looked for among so many accounts; a larger server wants the whole address. */
#define AUTH_ACCOUNT_SCAN_COUNT 10000

/* Empty: no address. */
static struct span address_key_of(struct arena *a, struct span text)
{
    struct address addr;
    struct span key;
    const char *why;
    return address_parse(a, text, &addr, &why) && address_key(a, addr, &key) ? key : SPAN("");
}

struct bare {
    struct span prefix; /* "local@" of the key */
    struct span key;    /* the first account found */
    struct arena *arena;
    unsigned found, seen;
};

static bool bare_match(void *arg, const struct account *account)
{
    struct bare *bare = arg;
    if (account->address.n > bare->prefix.n &&
        span_eq(span_to(account->address, bare->prefix.n), bare->prefix) && bare->found++ == 0)
        bare->key = arena_keep(bare->arena, account->address);
    return bare->found < 2 && ++bare->seen < AUTH_ACCOUNT_SCAN_COUNT;
}

/* A local-part alone: the only account that has it; in a lab, where nobody has, local@localhost. */
static enum err bare_key(struct txn *t, bool lab, struct arena *a, struct span user,
                         struct span *key_out, struct fault *f)
{
    struct span key = address_key_of(a, arena_printf(a, "%.*s@localhost", SPAN_ARG(user)));
    if (key.n == 0)
        return ERR_OK;
    struct bare bare = {.prefix = span_to(key, key.n - strlen("localhost")), .arena = a};
    enum err e = directory_each_account(t, a, bare_match, &bare, f);
    if (e == ERR_OK && bare.found == 1)
        *key_out = bare.key;
    else if (e == ERR_OK && bare.found == 0 && lab)
        *key_out = key;
    return e;
}

static enum err key_of(struct txn *t, bool lab, struct arena *a, struct span user,
                       struct span *key_out, struct fault *f)
{
    enum err e = ERR_OK;
    *key_out = SPAN("");
    if (span_find(user, '\0') < user.n || user.n >= AUTH_ACCOUNT_ADDRESS_BYTES)
        return ERR_OK;
    if (span_find(user, '@') == user.n)
        e = bare_key(t, lab, a, user, key_out, f);
    else
        *key_out = address_key_of(a, user);
    if (key_out->n >= AUTH_ACCOUNT_ADDRESS_BYTES)
        *key_out = SPAN("");
    return e;
}

enum err auth_account_find(struct store *st, bool lab, struct arena *a, struct span user,
                           struct auth_account *out, struct fault *f)
{
    struct txn *t = NULL;
    struct account account;
    *out = (struct auth_account){.key = SPAN("")};
    enum err e = txn_read(st, &t, f);
    if (e == ERR_OK)
        e = key_of(t, lab, a, user, &out->key, f);
    if (e == ERR_OK)
        e = out->key.n ? directory_account_find(t, a, out->key, &account, f) : ERR_NOTFOUND;
    if (e == ERR_OK) {
        out->id = account.id;
        out->verifier = account.verifier;
        e = credential_read(t, a, account.id, &out->credentials, f);
    }
    txn_read_end(&t);
    return e;
}

struct lack {
    struct txn *t;
    struct arena *arena; /* one account */
    unsigned count;
    enum err e;
    struct fault *f;
};

static bool lack_one(void *arg, const struct account *account)
{
    struct lack *l = arg;
    struct credentials c;
    if (account->verifier.n == 0)
        return true;
    arena_reset(l->arena);
    l->e = credential_read(l->t, l->arena, account->id, &c, l->f);
    l->count += l->e == ERR_OK && !(c.scram_there && c.scram.own);
    return l->e == ERR_OK;
}

enum err auth_account_without_scram(struct store *st, unsigned *out, struct fault *f)
{
    struct lack l = {.arena = arena_new(), .f = f};
    struct arena *all = arena_new();
    enum err e = txn_read(st, &l.t, f);
    if (e == ERR_OK)
        e = directory_each_account(l.t, all, lack_one, &l, f);
    txn_read_end(&l.t);
    arena_free(&all);
    arena_free(&l.arena);
    *out = l.count;
    return e == ERR_OK ? l.e : e;
}
