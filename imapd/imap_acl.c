#include "imapd/imap_acl.h"

#include "imapd/imap_parse.h"
#include "imapd/imap_reach.h"
#include "imapd/imap_session.h"
#include "imapd/imap_verbs.h"
#include "message/address.h"
#include "message/saslprep.h"
#include "store/directory.h"

/* Room: GETACL, SETACL, DELETEACL, LISTRIGHTS and MYRIGHTS, RFC 4314 §3. */

/* Whom an identifier means, before the store was asked: "anyone", "owner", or an address; "-" before it makes the entry
 * one of rights taken away. */
struct imap_acl_who {
    struct span given; /* as the client spelled it */
    struct span address;
    bool negative, anyone, owner;
};

struct imap_acl {
    struct span name;
    struct imap_acl_who who;
    enum acl_how how;
    unsigned rights;
    bool nobody; /* there is no such account */
};

static struct imap_acl *imap_acl_args(struct imap_cmd *c)
{
    struct imap_acl *a = arena_new_of(c->arena, struct imap_acl);
    a->name = imap_parse_mailbox(&c->args, c->arena, imap_session_utf8(c->session));
    c->state = a;
    return a;
}

/* identifier = astring    RFC 4314 §7 */
static void imap_acl_identifier(struct imap_cmd *c, struct imap_acl_who *w)
{
    struct address address;
    const char *why;
    imap_parse_sp(&c->args);
    w->given = imap_parse_astring(&c->args, c->arena);
    w->negative = w->given.n > 0 && w->given.p[0] == '-';
    struct span rest = span_from(w->given, w->negative ? 1 : 0);
    if (scan_ok(&c->args) && (!saslprep(c->arena, rest, &rest) || rest.n == 0)) /* RFC 4314 §3 */
        scan_fail(&c->args, "Not an identifier");
    w->anyone = span_eq(rest, SPAN("anyone"));
    w->owner = span_eq(rest, SPAN("owner"));
    if (scan_ok(&c->args) && !w->anyone && !w->owner &&
        (!address_parse(c->arena, rest, &address, &why) ||
         !address_key(c->arena, address, &w->address)))
        w->address = SPAN("");
}

static enum err imap_acl_find(struct txn *t, struct imap_acl *a, const struct mailbox *box,
                              uint64_t *account_out, struct fault *f)
{
    struct account account = {.id = 0};
    a->nobody = false;
    *account_out = a->who.owner ? box->account : 0;
    if (a->who.anyone || a->who.owner)
        return ERR_OK;
    struct arena *arena = arena_new();
    enum err e = directory_account_find(t, arena, a->who.address, &account, f);
    arena_free(&arena);
    a->nobody = e == ERR_NOTFOUND;
    *account_out = account.id;
    return e;
}

/* --- SETACL and DELETEACL --- */

static enum err imap_acl_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    struct imap_cmd *c = imap_cmd_of_op(op);
    struct imap_acl *a = c->state;
    struct mailbox box;
    struct acl_entry entry = {.negative = a->who.negative, .rights = a->rights};
    a->nobody = false;
    enum err e = imap_reach(c->session, t, NULL, a->name, ACL_ADMIN, &box, f);
    if (e == ERR_OK)
        e = imap_acl_find(t, a, &box, &entry.account, f);
    return e == ERR_OK ? acl_change(t, &box, &entry, a->how, f) : e;
}

static enum step imap_acl_changed(struct imap_cmd *c)
{
    const struct imap_acl *a = c->state;
    if (a->nobody)
        return imap_reply_no(c, "CANNOT", "There is no such user here");
    if (c->op_result != ERR_OK)
        return imap_reply_err(c, c->op_result, &c->op.fault);
    return imap_reply_ok(c, NULL, "Done");
}

static enum step imap_acl_change(struct imap_cmd *c)
{
    scan_end(&c->args, "Unexpected text at the end");
    if (!scan_ok(&c->args))
        return imap_reply_bad(c, c->args.why);
    return imap_cmd_submit(c, imap_acl_apply, imap_acl_changed);
}

/* setacl = "SETACL" SP mailbox SP identifier SP mod-rights    mod-rights = astring, with "+" or "-" before the rights
 * RFC 4314 §7 */
enum step imap_acl_set(struct imap_cmd *c)
{
    struct imap_acl *a = imap_acl_args(c);
    imap_acl_identifier(c, &a->who);
    imap_parse_sp(&c->args);
    struct span rights = imap_parse_astring(&c->args, c->arena);
    char sign = rights.n > 0 ? rights.p[0] : '\0';
    a->how = sign == '+' ? ACL_ADD : sign == '-' ? ACL_REMOVE : ACL_REPLACE;
    if (scan_ok(&c->args) &&
        !acl_parse(span_from(rights, a->how == ACL_REPLACE ? 0 : 1), &a->rights))
        scan_fail(&c->args, "There is no such right");
    return imap_acl_change(c);
}

/* deleteacl = "DELETEACL" SP mailbox SP identifier */
enum step imap_acl_delete(struct imap_cmd *c)
{
    struct imap_acl *a = imap_acl_args(c);
    imap_acl_identifier(c, &a->who);
    a->how = ACL_REPLACE;
    return imap_acl_change(c);
}

/* --- asking --- */

/* Reaches the mailbox in a snapshot and lets tell say what it has to say. */
typedef enum err imap_acl_tell_fn(struct imap_cmd *c, struct txn *t, const struct mailbox *box,
                                  struct fault *f);

static enum step imap_acl_ask(struct imap_cmd *c, unsigned rights, imap_acl_tell_fn *tell)
{
    struct imap_acl *a = c->state;
    struct fault f = FAULT_NONE;
    struct mailbox box;
    struct txn *t = NULL;
    scan_end(&c->args, "Unexpected text at the end");
    if (!scan_ok(&c->args))
        return imap_reply_bad(c, c->args.why);
    enum err e = txn_read(c->session->options->store, &t, &f);
    if (e == ERR_OK)
        e = imap_reach(c->session, t, c->arena, a->name, rights, &box, &f);
    if (e == ERR_OK)
        e = tell(c, t, &box, &f);
    txn_read_end(&t);
    if (a->nobody)
        return imap_reply_no(c, "CANNOT", "There is no such user here");
    return e == ERR_OK ? imap_reply_ok(c, NULL, "Done") : imap_reply_err(c, e, &f);
}

struct imap_acl_out {
    struct imap_session *s;
    struct txn *t;
    struct arena *a;
    struct fault *f;
    enum err e;
};

static bool imap_acl_entry(void *arg, const struct acl_entry *entry)
{
    struct imap_acl_out *o = arg;
    struct account account = {.address = SPAN("anyone")};
    char rights[ACL_TEXT_BYTES];
    if (entry->account)
        o->e = directory_account_get(o->t, o->a, entry->account, &account, o->f);
    if (o->e != ERR_OK)
        return false;
    imap_out(o->s, SPAN(" "));
    imap_out_string(o->s, entry->negative ? arena_printf(o->a, "-%.*s", SPAN_ARG(account.address))
                                          : account.address);
    imap_outf(o->s, " %s", acl_text(entry->rights, rights));
    return true;
}

/* acl-data = "ACL" SP mailbox *(SP identifier SP rights) */
static enum err imap_acl_tell(struct imap_cmd *c, struct txn *t, const struct mailbox *box,
                              struct fault *f)
{
    struct imap_acl_out o = {.s = c->session, .t = t, .a = c->arena, .f = f};
    imap_out(o.s, SPAN("* ACL "));
    imap_out_mailbox(o.s, box->name);
    enum err e = acl_each(t, box, imap_acl_entry, &o, f);
    imap_out(o.s, SPAN("\r\n"));
    return e == ERR_OK ? o.e : e;
}

/* getacl = "GETACL" SP mailbox */
enum step imap_acl_get(struct imap_cmd *c)
{
    imap_acl_args(c);
    return imap_acl_ask(c, ACL_ADMIN, imap_acl_tell);
}

/* listrights-data = "LISTRIGHTS" SP mailbox SP identifier SP rights *(SP rights)    No two rights are tied. */
static enum err imap_acl_tell_possible(struct imap_cmd *c, struct txn *t, const struct mailbox *box,
                                       struct fault *f)
{
    struct imap_acl *a = c->state;
    struct imap_session *s = c->session;
    uint64_t account;
    enum err e = imap_acl_find(t, a, box, &account, f);
    if (e != ERR_OK)
        return e;
    bool owner = account == box->account && !a->who.negative;
    imap_out(s, SPAN("* LISTRIGHTS "));
    imap_out_mailbox(s, box->name);
    imap_out(s, SPAN(" "));
    imap_out_string(s, a->who.given);
    imap_out(s, owner ? SPAN(" la r s w i p k x t e c d\r\n")
                      : SPAN(" \"\" l r s w i p k x t e a c d\r\n"));
    return ERR_OK;
}

/* listrights = "LISTRIGHTS" SP mailbox SP identifier */
enum step imap_acl_list(struct imap_cmd *c)
{
    struct imap_acl *a = imap_acl_args(c);
    imap_acl_identifier(c, &a->who);
    return imap_acl_ask(c, ACL_ADMIN, imap_acl_tell_possible);
}

enum err imap_acl_myrights(struct imap_session *s, struct txn *t, const struct mailbox *box,
                           struct fault *f)
{
    char text[ACL_TEXT_BYTES];
    unsigned rights;
    enum err e = acl_rights(t, s->account, box, &rights, f);
    if (e != ERR_OK)
        return e;
    imap_out(s, SPAN("* MYRIGHTS "));
    imap_out_mailbox(s, box->name);
    imap_outf(s, " %s\r\n", acl_text(rights, text));
    return ERR_OK;
}

static enum err imap_acl_tell_mine(struct imap_cmd *c, struct txn *t, const struct mailbox *box,
                                   struct fault *f)
{
    return imap_acl_myrights(c->session, t, box, f);
}

/* myrights = "MYRIGHTS" SP mailbox */
enum step imap_acl_mine(struct imap_cmd *c)
{
    imap_acl_args(c);
    return imap_acl_ask(c, 0, imap_acl_tell_mine);
}
