#include "common/arena.h"
#include "main/admin.h"
#include "store/acl.h"
#include "store/directory.h"

/* Room: shared accounts, and the rights on mailboxes of any account, from the command line. */

struct share_op {
    struct store_op op;
    struct span address, mailbox;
    struct acl_entry entry;
    enum acl_how how;
    const char *who; /* "anyone" or an address, without its sign */
    struct span who_key;
};

static enum err no_account(struct span address, struct fault *f)
{
    return fault_set(f, ERR_NOTFOUND, "there is no user %.*s", SPAN_ARG(address));
}

static enum err no_mailbox(struct span mailbox, struct fault *f)
{
    return fault_set(f, ERR_NOTFOUND, "there is no mailbox %.*s", SPAN_ARG(mailbox));
}

static enum err find_account(struct txn *t, struct span address, uint64_t *id, struct fault *f)
{
    struct account account;
    struct arena *arena = arena_new();
    enum err e = directory_account_find(t, arena, address, &account, f);
    *id = account.id;
    arena_free(&arena);
    return e == ERR_NOTFOUND ? no_account(address, f) : e;
}

static enum err find_mailbox(struct txn *t, struct span address, struct span name,
                             struct mailbox *out, struct fault *f)
{
    uint64_t account;
    enum err e = find_account(t, address, &account, f);
    if (e != ERR_OK)
        return e;
    e = mailbox_find(t, NULL, account, name, out, f);
    return e == ERR_NOTFOUND ? no_mailbox(name, f) : e;
}

/* --- shared accounts --- */

static enum err add_shared(struct txn *t, struct store_op *op, struct fault *f)
{
    struct share_op *p = (struct share_op *)(void *)op;
    struct span domain = admin_domain_of(p->address);
    enum err e = directory_domain_find(t, domain, f);
    if (e == ERR_NOTFOUND)
        return fault_set(f, e, "%.*s is not a domain of this server: mailstead domain add %.*s",
                         SPAN_ARG(domain), SPAN_ARG(domain));
    if (e == ERR_OK)
        e = directory_shared_add(t, p->address, NULL, f);
    return e == ERR_EXISTS ? fault_set(f, e, "user %.*s is there already", SPAN_ARG(p->address))
                           : e;
}

static enum err create_mailbox(struct txn *t, struct store_op *op, struct fault *f)
{
    struct share_op *p = (struct share_op *)(void *)op;
    uint64_t account;
    enum err e = find_account(t, p->address, &account, f);
    return e == ERR_OK ? mailbox_create(t, account, p->mailbox, 0, NULL, f) : e;
}

static int change(struct admin *a, const struct cli_args *args, struct share_op *p)
{
    struct fault f = FAULT_NONE;
    struct arena *arena = arena_new();
    enum err e = admin_address(arena, cli_operand(args, 0), &p->address, &f);
    p->mailbox = span_cstr(cli_operand(args, 1));
    if (e == ERR_OK && p->who && strcmp(p->who, "anyone") != 0)
        e = admin_address(arena, p->who, &p->who_key, &f);
    if (e == ERR_OK)
        e = admin_write(a, &p->op, &f);
    arena_free(&arena);
    return admin_failed(a, e, &f);
}

int admin_share_add(struct admin *a, const struct cli_args *args)
{
    return change(a, args, &(struct share_op){.op = {.apply = add_shared}});
}

int admin_share_create(struct admin *a, const struct cli_args *args)
{
    return change(a, args, &(struct share_op){.op = {.apply = create_mailbox}});
}

struct shared_list {
    struct admin *a;
    struct txn *t;
    struct fault *f;
    enum err e;
};

static bool list_one(void *arg, const struct account *account)
{
    struct shared_list *l = arg;
    bool shared;
    l->e = directory_account_shared(l->t, account->id, &shared, l->f);
    if (shared)
        admin_printf(l->a, "%.*s\n", SPAN_ARG(account->address));
    return l->e == ERR_OK;
}

static enum err list(struct admin *a, struct txn *t, struct arena *arena, struct fault *f)
{
    struct shared_list l = {.a = a, .t = t, .f = f};
    enum err e = directory_each_account(t, arena, list_one, &l, f);
    return e == ERR_OK ? l.e : e;
}

int admin_share_list(struct admin *a, const struct cli_args *args)
{
    (void)args; /* the table gives it to every command */
    return admin_list(a, list);
}

/* --- rights --- */

static enum err change_rights(struct txn *t, struct store_op *op, struct fault *f)
{
    struct share_op *p = (struct share_op *)(void *)op;
    struct mailbox box;
    enum err e = find_mailbox(t, p->address, p->mailbox, &box, f);
    p->entry.account = 0;
    if (e == ERR_OK && p->who_key.n > 0)
        e = find_account(t, p->who_key, &p->entry.account, f);
    return e == ERR_OK ? acl_change(t, &box, &p->entry, p->how, f) : e;
}

static void set_who(struct share_op *p, const char *who)
{
    p->op.apply = change_rights;
    p->entry.negative = who[0] == '-';
    p->who = who + (p->entry.negative ? 1 : 0);
}

int admin_share_set(struct admin *a, const struct cli_args *args)
{
    struct share_op p = {.how = ACL_REPLACE};
    struct span rights = span_cstr(cli_operand(args, 3));
    set_who(&p, cli_operand(args, 2));
    if (rights.n > 0 && (rights.p[0] == '+' || rights.p[0] == '-')) {
        p.how = rights.p[0] == '+' ? ACL_ADD : ACL_REMOVE;
        rights = span_from(rights, 1);
    }
    if (acl_parse(rights, &p.entry.rights))
        return change(a, args, &p);
    admin_complain(a, "\"%.*s\" are not rights: letters of lrswipkxtea are", SPAN_ARG(rights));
    return CLI_DATA;
}

int admin_share_unset(struct admin *a, const struct cli_args *args)
{
    struct share_op p = {.how = ACL_REPLACE};
    set_who(&p, cli_operand(args, 2));
    return change(a, args, &p);
}

struct rights_list {
    struct admin *a;
    struct txn *t;
    struct arena *arena;
    struct fault *f;
    enum err e;
};

static bool list_entry_of(void *arg, const struct acl_entry *entry)
{
    struct rights_list *l = arg;
    struct account account = {.address = SPAN("anyone")};
    char text[ACL_TEXT_BYTES];
    if (entry->account)
        l->e = directory_account_get(l->t, l->arena, entry->account, &account, l->f);
    if (l->e == ERR_OK)
        admin_printf(l->a, "%s%.*s %s\n", entry->negative ? "-" : "", SPAN_ARG(account.address),
                     acl_text(entry->rights, text));
    return l->e == ERR_OK;
}

int admin_share_rights(struct admin *a, const struct cli_args *args)
{
    struct fault f = FAULT_NONE;
    struct rights_list l = {.a = a, .arena = arena_new(), .f = &f};
    struct span address, name = span_cstr(cli_operand(args, 1));
    struct mailbox box;
    enum err e = admin_address(l.arena, cli_operand(args, 0), &address, &f);
    if (e == ERR_OK)
        e = txn_read(a->store, &l.t, &f);
    if (e == ERR_OK)
        e = find_mailbox(l.t, address, name, &box, &f);
    if (e == ERR_OK)
        e = acl_each(l.t, &box, list_entry_of, &l, &f);
    e = e == ERR_OK ? l.e : e;
    txn_read_end(&l.t);
    arena_free(&l.arena);
    return admin_failed(a, e, &f);
}
