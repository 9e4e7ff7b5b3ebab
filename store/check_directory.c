#include "common/utf8.h"
#include "store/check_state.h"
#include "store/credential.h"
#include "store/schema.h"

#include <inttypes.h>

static bool is_address(struct span key)
{
    size_t at = span_find(key, '@');
    return key.n <= SCHEMA_ADDRESS_BYTES && at < key.n && at + 1 < key.n && utf8_valid(key);
}

static void domain_row(struct check *c, struct span key, struct span value, struct fault *f)
{
    uint64_t created;
    (void)f;
    if (!schema_number(value, &created) || key.n > SCHEMA_ADDRESS_BYTES || !utf8_valid(key))
        check_broken(c, 1, "domain %.*s: damaged row", SPAN_ARG(key));
}

static void alias_row(struct check *c, struct span key, struct span value, struct fault *f)
{
    struct span *targets;
    size_t n;
    (void)f;
    bool good = is_address(key) && schema_spans_of(c->a, value, &targets, &n) && n > 0;
    for (size_t i = 0; good && i < n; i++)
        good = is_address(targets[i]);
    if (!good)
        check_broken(c, 1, "alias %.*s: damaged row", SPAN_ARG(key));
}

/* --- accounts: the rows by address come before those by id --- */

/* After the rows by id, as their keys sort. */
static void shared_row(struct check *c, struct span key, struct span value, struct fault *f)
{
    uint64_t id;
    (void)f;
    if (value.n > 0 || !schema_id_of(span_from(key, 1), &id))
        check_broken(c, 1, "shared account: damaged row");
    else if (!check_find_account(c, id))
        check_broken(c, 13, "shared account %" PRIu64 ": no such account", id);
}

static void account_row(struct check *c, struct span key, struct span value, struct fault *f)
{
    struct account account;
    uint64_t id;
    (void)f;
    if (key.n > 0 && key.p[0] == 'a')
        return; /* when all ids are known */
    if (key.n > 0 && key.p[0] == 's') {
        shared_row(c, key, value, f);
        return;
    }
    if (key.n == 0 || key.p[0] != 'i' || !schema_id_of(span_from(key, 1), &id) ||
        !schema_account_of(value, &account) || !is_address(account.address)) {
        check_broken(c, 1, "account: damaged row");
        return;
    }
    c->accounts = check_room(c->accounts, c->account_count, &c->account_cap, sizeof *c->accounts);
    c->accounts[c->account_count++] = (struct check_account){.id = id};
    if (id == 0 || id > c->id)
        check_broken(c, 12, "account %" PRIu64 ": the last id given is %" PRIu64, id, c->id);
}

static void address_row(struct check *c, struct span key, struct span value, struct fault *f)
{
    struct account account;
    uint64_t id;
    if (key.n == 0 || key.p[0] != 'a')
        return;
    struct span address = span_from(key, 1);
    if (!schema_number(value, &id)) {
        check_broken(c, 1, "account %.*s: damaged row", SPAN_ARG(address));
        return;
    }
    struct check_account *at = check_find_account(c, id);
    if (!at || directory_account_get(c->t, c->a, id, &account, f) != ERR_OK ||
        !span_eq(account.address, address)) {
        check_broken(c, 13, "account %.*s: its id %" PRIu64 " is not its own", SPAN_ARG(address),
                     id);
        return;
    }
    at->named = true;
}

static void password_row(struct check *c, struct span key, struct span value, struct fault *f)
{
    struct credential_scram scram;
    struct credential_app app;
    uint64_t account;
    (void)f;
    if (!credential_row_of(key, value, &account, &scram, &app))
        check_broken(c, 1, "credential: damaged row");
    else if (!check_find_account(c, account))
        check_broken(c, 6, "credential: no account %" PRIu64, account);
}

enum err check_directory_read(struct check *c, struct fault *f)
{
    enum err e = check_table(c, TABLE_DOMAIN, domain_row, f);
    if (e == ERR_OK)
        e = check_table(c, TABLE_ALIAS, alias_row, f);
    if (e == ERR_OK)
        e = check_table(c, TABLE_ACCOUNT, account_row, f);
    if (e == ERR_OK)
        e = check_table(c, TABLE_ACCOUNT, address_row, f);
    return e == ERR_OK ? check_table(c, TABLE_PASSWORD, password_row, f) : e;
}

/* --- the names of mailboxes, when mailboxes are known --- */

static bool is_name(struct span name)
{
    struct span canonical;
    struct fault none = FAULT_NONE;
    return mailbox_name_check(name, &canonical, &none) == ERR_OK && span_eq(name, canonical);
}

static void name_row(struct check *c, struct span key, struct span value, struct fault *f)
{
    uint64_t account, id;
    struct span name;
    struct mailbox box;
    if (!schema_name_of(key, &account, &name) || !is_name(name) || !schema_number(value, &id)) {
        check_broken(c, 1, "name of a mailbox: damaged row");
        return;
    }
    struct check_mailbox *at = check_find_mailbox(c, id);
    if (!at || mailbox_get(c->t, c->a, id, &box, f) != ERR_OK || box.account != account ||
        !span_eq(box.name, name)) {
        check_broken(c, 5,
                     "name \"%.*s\" of account %" PRIu64 ": mailbox %" PRIu64 " is not its own",
                     SPAN_ARG(name), account, id);
        return;
    }
    at->names++;
    struct check_account *of = check_find_account(c, account);
    if (of && span_eq(name, SPAN("INBOX")))
        of->inbox = true;
}

static void subscription_row(struct check *c, struct span key, struct span value, struct fault *f)
{
    uint64_t account;
    struct span name;
    (void)f;
    if (!schema_name_of(key, &account, &name) || !is_name(name) || value.n > 0)
        check_broken(c, 1, "subscription: damaged row");
    else if (!check_find_account(c, account))
        check_broken(c, 6, "subscription to \"%.*s\": no account %" PRIu64, SPAN_ARG(name),
                     account);
}

enum err check_directory_names(struct check *c, struct fault *f)
{
    enum err e = check_table(c, TABLE_NAME, name_row, f);
    if (e == ERR_OK)
        e = check_table(c, TABLE_SUBSCRIPTION, subscription_row, f);
    for (size_t i = 0; i < c->account_count && e == ERR_OK; i++) {
        const struct check_account *a = &c->accounts[i];
        if (!a->named)
            check_broken(c, 13, "account %" PRIu64 ": its address does not lead to it", a->id);
        if (!a->inbox)
            check_broken(c, 13, "account %" PRIu64 ": no INBOX", a->id);
    }
    return e;
}
