#include "common/log.h"
#include "imapd/imap_object.h"
#include "imapd/imap_out.h"
#include "imapd/imap_parse.h"
#include "imapd/imap_reach.h"
#include "imapd/imap_session.h"
#include "imapd/imap_use.h"
#include "imapd/imap_verbs.h"
#include "store/mailbox.h"

/* The arguments of the operation, in the command's arena. */
struct imap_mailbox {
    struct span name, to;
    struct span given, to_given; /* as the client spells them */
    uint32_t uses;
    uint64_t account;
    bool on;
    uint64_t made; /* the mailbox that CREATE made */
};

static struct imap_mailbox *imap_mailbox_args(struct imap_cmd *c)
{
    struct imap_mailbox *m = arena_new_of(c->arena, struct imap_mailbox);
    m->account = c->session->account;
    m->name =
        imap_parse_mailbox_given(&c->args, c->arena, imap_session_utf8(c->session), &m->given);
    c->state = m;
    return m;
}

/* The account may have been removed since the login: its INBOX is gone then, and nothing new may be
 * made. */
static enum err imap_mailbox_account(struct txn *t, uint64_t account, struct fault *f)
{
    struct mailbox inbox;
    return mailbox_find(t, NULL, account, SPAN("INBOX"), &inbox, f);
}

static enum step imap_mailbox_done(struct imap_cmd *c)
{
    if (c->op_result != ERR_OK)
        return imap_reply_err(c, c->op_result, &c->op.fault);
    return imap_reply_ok(c, NULL, "Done");
}

/* --- CREATE --- */

/* A name that ends in the delimiter says that others will come below it: RFC 9051 §6.3.4 */
static struct span imap_mailbox_bare(struct span name)
{
    return name.n > 1 && name.p[name.n - 1] == '/' ? span_to(name, name.n - 1) : name;
}

/* create-param = "USE" SP "(" [use-attr *(SP use-attr)] ")"    RFC 6154 §6. False: a use that
 * nobody knows. */
static bool imap_mailbox_uses(struct scan *in, uint32_t *uses)
{
    bool known = true;
    if (scan_done(in))
        return true;
    imap_parse_sp(in);
    scan_byte(in, '(', "Expected ( before the parameters");
    if (!scan_try_word(in, SPAN("USE")))
        scan_fail(in, "Unknown parameter");
    imap_parse_sp(in);
    scan_byte(in, '(', "Expected ( before the uses");
    while (scan_ok(in) && scan_peek(in) == '\\') {
        scan_byte(in, '\\', "Expected a use");
        uint32_t use = imap_use_named(imap_parse_atom(in));
        known &= use != 0;
        *uses |= use;
        scan_try(in, ' ');
    }
    scan_byte(in, ')', "Expected ) behind the uses");
    scan_byte(in, ')', "Expected ) behind the parameters");
    scan_end(in, "Unexpected text at the end");
    return known;
}

/* Of what it may not know of, a user learns only that it may not make it. */
static enum err imap_mailbox_exists(struct imap_session *s, struct txn *t, struct span name,
                                    struct fault *f)
{
    struct mailbox box;
    struct arena *a = arena_new();
    enum err e = imap_reach(s, t, a, name, ACL_LOOKUP, &box, f);
    arena_free(&a);
    return e == ERR_OK ? fault_set(f, ERR_EXISTS, "mailbox exists") : ERR_DENIED;
}

static enum err imap_mailbox_create_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    struct imap_cmd *c = imap_cmd_of_op(op);
    struct imap_mailbox *m = c->state;
    uint64_t account;
    struct span own;
    enum err e = imap_mailbox_account(t, m->account, f);
    if (e == ERR_OK)
        e = imap_reach_new(c->session, t, m->name, &account, &own, f);
    if (e == ERR_OK)
        e = mailbox_create(t, account, own, m->uses, &m->made, f);
    return e == ERR_EXISTS ? imap_mailbox_exists(c->session, t, m->name, f) : e;
}

/* Some clients make their own folders whatever we offer: say which one was meant. */
static void imap_mailbox_hint(const struct imap_session *s, struct span name)
{
    static const struct {
        const char *asked, *have;
    } twins[] = {{"Sent Messages", "Sent"},  {"Sent Items", "Sent"},  {"Deleted Messages", "Trash"},
                 {"Deleted Items", "Trash"}, {"Junk E-mail", "Junk"}, {"Spam", "Junk"},
                 {"Archives", "Archive"}};
    for (size_t i = 0; i < sizeof twins / sizeof *twins; i++) {
        if (span_eq_ci(name, span_cstr(twins[i].asked)))
            log_event(LOG_INFO, s->id.text, "imap.twin", "user=\"%s\" created=\"%s\" instead_of=%s",
                      LOG_SPAN(s->address), twins[i].asked, twins[i].have);
    }
}

static enum step imap_mailbox_created(struct imap_cmd *c)
{
    const struct imap_mailbox *m = c->state;
    if (c->op_result != ERR_OK)
        return imap_mailbox_done(c);
    imap_out_oldname(c->session, "", m->name, imap_mailbox_bare(m->given));
    return imap_reply_ok(c, imap_object_code(c->arena, m->made), "Done"); /* RFC 8474 §4.1 */
}

enum step imap_mailbox_create(struct imap_cmd *c)
{
    struct imap_mailbox *m = imap_mailbox_args(c);
    bool known = imap_mailbox_uses(&c->args, &m->uses);
    if (!scan_ok(&c->args))
        return imap_reply_bad(c, c->args.why);
    if (!known || (m->uses && imap_reach_is_foreign(m->name)))
        return imap_reply_no(c, "USEATTR", "There is no such special use");
    m->name = imap_mailbox_bare(m->name);
    imap_mailbox_hint(c->session, m->name);
    return imap_cmd_submit(c, imap_mailbox_create_apply, imap_mailbox_created);
}

/* --- DELETE --- */

static enum err imap_mailbox_delete_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    struct imap_cmd *c = imap_cmd_of_op(op);
    const struct imap_mailbox *m = c->state;
    struct mailbox box;
    struct span own;
    uint64_t account;
    struct arena *a = arena_new();
    enum err e = imap_reach(c->session, t, a, m->name, ACL_DELETE_MAILBOX, &box, f);
    arena_free(&a);
    if (e == ERR_OK)
        e = imap_reach_owner(c->session, t, m->name, &account, &own, f);
    return e == ERR_OK ? mailbox_delete(t, account, own, f) : e;
}

/* The session that deletes what it has selected goes on, with nothing selected; others hear of
 * it by imap_view_news. */
static enum step imap_mailbox_deleted(struct imap_cmd *c)
{
    struct imap_session *s = c->session;
    const struct imap_mailbox *m = c->state;
    struct fault f = FAULT_NONE;
    if (c->op_result == ERR_OK)
        imap_out_oldname(s, "\\NonExistent", m->name, m->given);
    if (c->op_result == ERR_OK && s->view) {
        struct txn *t = NULL;
        struct mailbox box;
        enum err e = txn_read(s->options->store, &t, &f);
        if (e == ERR_OK)
            e = mailbox_get(t, NULL, s->view->mailbox, &box, &f);
        txn_read_end(&t);
        if (e == ERR_NOTFOUND) {
            imap_session_enter(s, IMAP_AUTH);
            imap_out(s, SPAN("* OK [CLOSED] It was selected\r\n"));
        }
    }
    return imap_mailbox_done(c);
}

enum step imap_mailbox_delete(struct imap_cmd *c)
{
    imap_mailbox_args(c);
    scan_end(&c->args, "Unexpected text behind the name");
    if (!scan_ok(&c->args))
        return imap_reply_bad(c, c->args.why);
    return imap_cmd_submit(c, imap_mailbox_delete_apply, imap_mailbox_deleted);
}

/* --- RENAME --- */

static bool imap_mailbox_is_inbox(struct imap_session *s, struct txn *t, struct span name,
                                  struct fault *f)
{
    uint64_t account;
    struct span own;
    return imap_reach_owner(s, t, name, &account, &own, f) == ERR_OK &&
           span_eq_ci(own, SPAN("INBOX"));
}

/* The right "x" (RFC 4314 §4). Of an own mailbox that is not there there may be others below. */
static enum err imap_mailbox_may_rename(struct imap_session *s, struct txn *t,
                                        const struct imap_mailbox *m, struct fault *f)
{
    struct mailbox box;
    struct arena *a = arena_new();
    enum err e = imap_reach(s, t, a, m->name, ACL_DELETE_MAILBOX, &box, f);
    bool foreign = e == ERR_OK && box.account != s->account;
    if (foreign && imap_mailbox_is_inbox(s, t, m->name, f)) /* its messages move */
        e = acl_authorize(t, s->account, &box, ACL_READ | ACL_DELETE | ACL_EXPUNGE, f);
    arena_free(&a);
    return e == ERR_NOTFOUND && !imap_reach_is_foreign(m->name) ? ERR_OK : e;
}

/* By their looks, so that nobody learns who is there: to begins as name does until its owner's own part. */
static bool imap_mailbox_one_owner(struct span name, size_t prefix, struct span to)
{
    if (prefix == 0)
        return !imap_reach_is_foreign(to);
    return to.n > prefix && span_eq(span_to(to, prefix), span_to(name, prefix));
}

static enum err imap_mailbox_rename_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    struct imap_cmd *c = imap_cmd_of_op(op);
    const struct imap_mailbox *m = c->state;
    uint64_t account = m->account, to_account;
    struct span own, to_own;
    enum err e = imap_mailbox_may_rename(c->session, t, m, f);
    if (e == ERR_OK)
        e = imap_reach_owner(c->session, t, m->name, &account, &own, f);
    if (e == ERR_OK && !imap_mailbox_one_owner(m->name, m->name.n - own.n, m->to))
        e = fault_set(f, ERR_INVALID, "a mailbox stays with its owner");
    if (e == ERR_OK)
        e = imap_reach_new(c->session, t, m->to, &to_account, &to_own, f);
    if (e == ERR_OK)
        e = mailbox_rename(t, account, own, to_own, f);
    return e == ERR_EXISTS && account != m->account ? imap_mailbox_exists(c->session, t, m->to, f)
                                                    : e;
}

/* One of the two was spelled otherwise: OLDNAME tells what became of the first. RFC 9051 §6.3.6 */
static enum step imap_mailbox_renamed(struct imap_cmd *c)
{
    const struct imap_mailbox *m = c->state;
    bool same = span_eq_ci(m->name, m->given) && span_eq_ci(m->to, imap_mailbox_bare(m->to_given));
    if (c->op_result == ERR_OK && !same)
        imap_out_oldname(c->session, "", m->to, m->given);
    return imap_mailbox_done(c);
}

enum step imap_mailbox_rename(struct imap_cmd *c)
{
    struct imap_mailbox *m = imap_mailbox_args(c);
    bool utf8 = imap_session_utf8(c->session);
    imap_parse_sp(&c->args);
    m->to = imap_mailbox_bare(imap_parse_mailbox_given(&c->args, c->arena, utf8, &m->to_given));
    scan_end(&c->args, "Unexpected text behind the names");
    if (!scan_ok(&c->args))
        return imap_reply_bad(c, c->args.why);
    return imap_cmd_submit(c, imap_mailbox_rename_apply, imap_mailbox_renamed);
}

/* --- SUBSCRIBE and UNSUBSCRIBE --- */

static enum err imap_mailbox_subscribe_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    const struct imap_mailbox *m = imap_cmd_of_op(op)->state;
    enum err e = imap_mailbox_account(t, m->account, f);
    return e == ERR_OK ? mailbox_subscribe(t, m->account, m->name, m->on, f) : e;
}

static enum step imap_mailbox_subscription(struct imap_cmd *c, bool on)
{
    struct imap_mailbox *m = imap_mailbox_args(c);
    scan_end(&c->args, "Unexpected text behind the name");
    if (!scan_ok(&c->args))
        return imap_reply_bad(c, c->args.why);
    m->name = imap_mailbox_bare(m->name);
    m->on = on;
    return imap_cmd_submit(c, imap_mailbox_subscribe_apply, imap_mailbox_done);
}

enum step imap_mailbox_subscribe(struct imap_cmd *c)
{
    return imap_mailbox_subscription(c, true);
}

enum step imap_mailbox_unsubscribe(struct imap_cmd *c)
{
    return imap_mailbox_subscription(c, false);
}
