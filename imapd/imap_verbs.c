#include "imapd/imap_verbs.h"

#include "imapd/imap_parse.h"
#include "imapd/imap_reach.h"

/* clang-format off */
static const struct imap_verb imap_verbs_table[] = {
    /* sorted by name; a test checks it */
    {"APPEND", IN_LOGGED_IN, 0, imap_append},
    {"AUTHENTICATE", IN_NONAUTH, 0, imap_login_authenticate},
    {"CANCELUPDATE", IN_SELECTED, 0, imap_context_cancel},
    {"CAPABILITY", IN_ANY, VERB_NO_ARGS, imap_capability_tell},
    {"CHECK", IN_SELECTED, VERB_NO_ARGS, imap_select_check},
    {"CLOSE", IN_SELECTED, VERB_NO_ARGS | VERB_LEAVES, imap_select_close},
    {"COMPARATOR", IN_LOGGED_IN, 0, imap_comparator},
    {"COMPRESS", IN_ANY, 0, imap_compress},
    {"COPY", IN_SELECTED, VERB_UID, imap_copy_copy},
    {"CREATE", IN_LOGGED_IN, 0, imap_mailbox_create},
    {"DELETE", IN_LOGGED_IN, 0, imap_mailbox_delete},
    {"DELETEACL", IN_LOGGED_IN, 0, imap_acl_delete},
    {"ENABLE", IN_LOGGED_IN, 0, imap_capability_enable},
    {"ESEARCH", IN_LOGGED_IN, VERB_UID | VERB_PLAIN | VERB_NO_EXPUNGE, imap_multisearch},
    {"EXAMINE", IN_LOGGED_IN, 0, imap_select_examine},
    {"EXPUNGE", IN_SELECTED, VERB_UID | VERB_PLAIN | VERB_WRITES, imap_expunge},
    {"FETCH", IN_SELECTED, VERB_UID | VERB_NO_EXPUNGE, imap_fetch},
    {"GETACL", IN_LOGGED_IN, 0, imap_acl_get},
    {"GETMETADATA", IN_LOGGED_IN, 0, imap_metadata_get},
    {"GETQUOTA", IN_LOGGED_IN, 0, imap_quota_get},
    {"GETQUOTAROOT", IN_LOGGED_IN, 0, imap_quota_root},
    {"ID", IN_ANY, 0, imap_misc_id},
    {"IDLE", IN_LOGGED_IN, VERB_NO_ARGS, imap_idle},
    {"LANGUAGE", IN_ANY, 0, imap_language},
    {"LIST", IN_LOGGED_IN, 0, imap_list_list},
    {"LISTRIGHTS", IN_LOGGED_IN, 0, imap_acl_list},
    {"LOGIN", IN_NONAUTH, 0, imap_login_login},
    {"LOGOUT", IN_ANY, VERB_NO_ARGS, imap_misc_logout},
    {"LSUB", IN_LOGGED_IN, 0, imap_list_lsub},
    {"MOVE", IN_SELECTED, VERB_UID | VERB_WRITES, imap_copy_move},
    {"MYRIGHTS", IN_LOGGED_IN, 0, imap_acl_mine},
    {"NAMESPACE", IN_LOGGED_IN, VERB_NO_ARGS, imap_misc_namespace},
    {"NOOP", IN_ANY, VERB_NO_ARGS, imap_misc_noop},
    {"NOTIFY", IN_LOGGED_IN, 0, imap_notify},
    {"RENAME", IN_LOGGED_IN, 0, imap_mailbox_rename},
    {"REPLACE", IN_SELECTED, VERB_UID | VERB_WRITES, imap_replace},
    {"SEARCH", IN_SELECTED, VERB_UID | VERB_NO_EXPUNGE, imap_search},
    {"SELECT", IN_LOGGED_IN, 0, imap_select_select},
    {"SETACL", IN_LOGGED_IN, 0, imap_acl_set},
    {"SETMETADATA", IN_LOGGED_IN, 0, imap_metadata_set},
    {"SETQUOTA", IN_LOGGED_IN, 0, imap_quota_set},
    {"SORT", IN_SELECTED, VERB_UID | VERB_NO_EXPUNGE, imap_sort},
    {"STARTTLS", IN_NONAUTH, VERB_NO_ARGS | VERB_NO_TLS, imap_misc_starttls},
    {"STATUS", IN_LOGGED_IN, 0, imap_status},
    {"STORE", IN_SELECTED, VERB_UID | VERB_NO_EXPUNGE | VERB_WRITES, imap_store},
    {"SUBSCRIBE", IN_LOGGED_IN, 0, imap_mailbox_subscribe},
    {"THREAD", IN_SELECTED, VERB_UID | VERB_NO_EXPUNGE, imap_thread},
    {"UIDBATCHES", IN_SELECTED, 0, imap_uidbatches},
    {"UNAUTHENTICATE", IN_LOGGED_IN, VERB_NO_ARGS, imap_unauthenticate},
    {"UNSELECT", IN_SELECTED, VERB_NO_ARGS | VERB_LEAVES, imap_select_unselect},
    {"UNSUBSCRIBE", IN_LOGGED_IN, 0, imap_mailbox_unsubscribe},
    {"XLIST", IN_LOGGED_IN, 0, imap_list_xlist},
};
/* clang-format on */

#define IMAP_VERBS_COUNT (sizeof imap_verbs_table / sizeof *imap_verbs_table)

const struct imap_verb *imap_verbs_all(size_t *n)
{
    *n = IMAP_VERBS_COUNT;
    return imap_verbs_table;
}

const struct imap_verb *imap_verbs_find(struct span name)
{
    size_t low = 0, high = IMAP_VERBS_COUNT;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int c = span_cmp_ci(name, span_cstr(imap_verbs_table[middle].name));
        if (c == 0)
            return &imap_verbs_table[middle];
        if (c < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* tag = 1*<any ASTRING-CHAR except "+">    RFC 9051 §9 */
static bool imap_verbs_is_tag_char(unsigned char c)
{
    return imap_parse_is_astring_char(c) && c != '+';
}

/* command = tag SP (command-any / command-auth / command-nonauth / command-select) CRLF    RFC
 * 9051 §9 */
static void imap_verbs_scan(struct imap_cmd *c, struct scan *in)
{
    struct span tag = scan_while(in, imap_verbs_is_tag_char);
    if (tag.n == 0 || scan_peek(in) != ' ') {
        scan_fail(in, "Expected a tag and a command");
        return;
    }
    c->tag = arena_keep(c->arena, tag);
    imap_parse_sp(in);
    struct span name = scan_while(in, imap_parse_is_atom_char);
    if (span_eq_ci(name, SPAN("UID")) && scan_peek(in) == ' ') {
        c->uid = true;
        imap_parse_sp(in);
        name = scan_while(in, imap_parse_is_atom_char);
    }
    c->verb = imap_verbs_find(name);
    if (!c->verb)
        scan_fail(in, "Unknown command");
    else if (!scan_done(in))
        imap_parse_sp(in);
    c->args = scan_of(scan_rest(in));
}

static const char *imap_verbs_against_state(const struct imap_cmd *c)
{
    unsigned state = c->session->state;
    if (c->verb->states & 1u << state)
        return NULL;
    if (state == IMAP_NONAUTH)
        return "Log in first";
    return c->verb->states == IN_NONAUTH ? "Logged in already" : "Select a mailbox first";
}

/* What stands against running it, or NULL. The verbs do not ask again. */
static const char *imap_verbs_against(const struct imap_cmd *c)
{
    const struct imap_verb *v = c->verb;
    const char *why = imap_verbs_against_state(c);
    if (why)
        return why;
    if (c->uid && !(v->flags & VERB_UID))
        return "There is no UID form of this command";
    bool numbers = !c->uid && (v->flags & VERB_UID) && !(v->flags & VERB_PLAIN);
    if (numbers && (c->session->enabled & IMAP_UIDONLY)) /* RFC 9586 §3 */
        return "[UIDREQUIRED] Message numbers are not allowed once UIDONLY is enabled";
    if (!c->uid && (v->flags & VERB_UID_ONLY))
        return "This command needs UID before it";
    if ((v->flags & VERB_NO_TLS) && conn_is_tls(c->session->conn))
        return "TLS is in use already";
    if ((v->flags & VERB_NO_ARGS) && c->args.in.n > 0)
        return "Nothing may follow this command";
    return NULL;
}

/* Another's mailbox may be read only as long as the right to it lasts: RFC 4314 §5.1.1 lets a server refuse all that needs the
 * selected state; but CLOSE and UNSELECT, which lead out of it, ask nobody. */
static enum err imap_verbs_reach(struct imap_session *s)
{
    struct fault f = FAULT_NONE;
    struct txn *t = NULL;
    if (s->view->watch.account == s->account)
        return ERR_OK;
    enum err e = txn_read(s->options->store, &t, &f);
    if (e == ERR_OK)
        e = imap_reach_selected(s, t, ACL_READ, &f);
    txn_read_end(&t);
    return e;
}

enum step imap_verbs_run(struct imap_cmd *c, struct span text)
{
    struct scan in = scan_of(text);
    c->tag = SPAN("*");
    imap_verbs_scan(c, &in);
    if (!scan_ok(&in))
        return imap_reply_bad(c, in.why);
    const char *why = imap_verbs_against(c);
    if (why)
        return imap_reply_bad(c, why);
    enum err lost = c->verb->states == IN_SELECTED && !(c->verb->flags & VERB_LEAVES)
                        ? imap_verbs_reach(c->session)
                        : ERR_OK;
    if (lost != ERR_OK)
        return imap_reply_err(c, lost, NULL);
    if ((c->verb->flags & VERB_WRITES) && c->session->view->read_only)
        return c->session->view->examined
                   ? imap_reply_no(c, "READ-ONLY", "The mailbox was opened with EXAMINE")
                   : imap_reply_err(c, ERR_DENIED, NULL);
    return c->verb->run(c);
}
