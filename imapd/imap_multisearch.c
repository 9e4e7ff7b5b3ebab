#include "imapd/imap_condstore.h"
#include "imapd/imap_parse.h"
#include "imapd/imap_progress.h"
#include "imapd/imap_reach.h"
#include "imapd/imap_scope.h"
#include "imapd/imap_search_return.h"
#include "imapd/imap_verbs.h"
#include "imapd/imapd_home.h"

/* Room: ESEARCH, RFC 7377: one search in many mailboxes, one after the other. */

#define IMAP_MULTISEARCH_SCOPE_COUNT 16
#define IMAP_MULTISEARCH_DATA_BYTES (48u << 20)

struct imap_multisearch {
    struct imap_scope scopes[IMAP_MULTISEARCH_SCOPE_COUNT];
    size_t scope_count;
    bool selected, others; /* which kinds of scopes there are */
    struct search_program program;
    struct imap_scope_reader *reader;
    struct mailbox *boxes;
    size_t n, at;
    bool finding;
    struct imap_find find;
};

static void imap_multisearch_cleanup(struct imap_cmd *c)
{
    struct imap_multisearch *m = c->state;
    imap_search_parse_end(&m->program);
    imap_find_fini(&m->find);
    if (m->reader)
        imap_scope_end(m->reader);
}

/* --- arguments --- */

/* esearch-source-opts = "IN" SP "(" source-mbox [SP "(" scope-options ")"] ")"    RFC 7377 §4; no scope-option is
 * defined */
static void imap_multisearch_source(struct imap_cmd *c, struct imap_multisearch *m)
{
    struct scan *s = &c->args;
    if (!scan_try_word(s, SPAN("IN ("))) {
        m->selected = true;
        return;
    }
    do {
        if (m->scope_count == IMAP_MULTISEARCH_SCOPE_COUNT) {
            scan_fail(s, "Too many sources");
            return;
        }
        struct imap_scope scope = imap_scope_parse(s, c->arena, imap_session_utf8(c->session));
        if (scope.kind == IMAP_SCOPE_SELECTED_DELAYED)
            scan_fail(s, "selected-delayed is not for ESEARCH");
        m->selected |= scope.kind == IMAP_SCOPE_SELECTED;
        m->others |= scope.kind != IMAP_SCOPE_SELECTED;
        m->scopes[m->scope_count++] = scope;
    } while (scan_try(s, ' '));
    scan_byte(s, ')', "Expected ) behind the sources");
    imap_parse_sp(s);
}

static void imap_multisearch_parse(struct imap_cmd *c, struct imap_multisearch *m)
{
    imap_multisearch_source(c, m);
    if (scan_ok(&c->args) && m->selected && !c->session->view)
        scan_fail(&c->args, "Select a mailbox first, or say IN which to search");
    imap_search_return_parse(&c->args, &m->program);
    if ((m->program.returns & SEARCH_SAVE) && m->others) /* RFC 7377 §2.2 */
        scan_fail(&c->args, "SAVE is for the selected mailbox alone");
    if (scan_ok(&c->args) && (m->program.returns & SEARCH_UPDATE) && !c->session->view)
        scan_fail(&c->args, "UPDATE is for a selected mailbox"); /* RFC 7377 §2.2 */
    imap_search_parse_charset(&c->args, c->arena, &m->program);
    imap_search_parse_keys(&c->args, c->arena, NULL, &m->program);
    const char *why = imap_search_parse_against(c->session, &m->program);
    if (why)
        scan_fail(&c->args, why);
}

/* --- mailboxes --- */

/* The selected mailbox, by the name that the session knows it by now. */
static enum err imap_multisearch_selected(struct imap_cmd *c, struct txn *t, struct mailbox *out,
                                          struct fault *f)
{
    struct imap_session *s = c->session;
    enum err e = imap_reach_selected(s, t, ACL_READ, f);
    if (e == ERR_OK)
        e = mailbox_get(t, c->arena, s->view->mailbox, out, f);
    return e == ERR_OK && out->account != s->account
               ? imap_reach_others(t, c->arena, s->account, out->id, out, f)
               : e;
}

/* The list is there, but for the selected mailbox. */
static enum err imap_multisearch_add(struct imap_cmd *c, struct imap_multisearch *m, struct txn *t,
                                     struct fault *f)
{
    struct mailbox own = {0};
    enum err e = imap_multisearch_selected(c, t, &own, f);
    bool there = e == ERR_OK;
    for (size_t i = 0; there && i < m->n; i++)
        there = m->boxes[i].id != own.id;
    if (there)
        m->boxes[m->n++] = own;
    return e == ERR_NOTFOUND ? ERR_OK : e; /* it is gone */
}

static bool imap_multisearch_enough(void *arg)
{
    return imap_cmd_should_yield(arg);
}

static enum step imap_multisearch_more(struct imap_cmd *c);
static enum step imap_multisearch_fail(struct imap_cmd *c, struct imap_multisearch *m, enum err e,
                                       const struct fault *f);

/* A slice of finding out which mailboxes are meant. */
static enum step imap_multisearch_list(struct imap_cmd *c)
{
    struct imap_multisearch *m = c->state;
    struct fault f = FAULT_NONE;
    struct txn *t = NULL;
    bool done = false;
    enum err e = txn_read(c->session->options->store, &t, &f);
    if (e == ERR_OK)
        e = imap_scope_more(m->reader, t, imap_multisearch_enough, c, &done, &m->boxes, &m->n, &f);
    if (e == ERR_OK && done && m->selected)
        e = imap_multisearch_add(c, m, t, &f);
    txn_read_end(&t);
    if (e != ERR_OK)
        return imap_multisearch_fail(c, m, e, &f);
    if (done)
        c->more = imap_multisearch_more;
    return !done || imap_cmd_should_yield(c) ? STEP_MORE : imap_multisearch_more(c);
}

/* --- searching --- */

/* The messages of a mailbox: of the selected one those that the client knows. */
static enum err imap_multisearch_begin(struct imap_cmd *c, struct imap_multisearch *m,
                                       struct fault *f)
{
    struct imap_session *s = c->session;
    struct imap_view *v = s->view;
    struct imap_cache_box *cached;
    struct txn *t = NULL;
    struct mailbox box;
    uint64_t id = m->boxes[m->at].id;
    if (v && v->mailbox == id) {
        imap_search_parse_resolve(&m->program, v, NULL);
        imap_find_init(&m->find, s, &m->program, id, &v->uids);
        m->finding = true;
        return ERR_OK;
    }
    enum err e = txn_read(s->options->store, &t, f);
    if (e == ERR_OK)
        e = mailbox_get(t, NULL, id, &box, f);
    if (e == ERR_OK)
        e = imap_cache_look(&s->home->cache, t, &box, &cached, f);
    if (e == ERR_OK) {
        imap_search_parse_resolve(&m->program, NULL, &cached->uids);
        imap_find_init(&m->find, s, &m->program, id, &cached->uids);
        m->finding = true;
    }
    txn_read_end(&t);
    return e;
}

/* * ESEARCH (TAG "tag1" MAILBOX "folder1" UIDVALIDITY 1) UID ALL 4001,4003    RFC 7377 §2.1 and §4 */
static void imap_multisearch_say(struct imap_cmd *c, struct imap_multisearch *m)
{
    struct imap_session *s = c->session;
    const struct mailbox *box = &m->boxes[m->at];
    struct buf data;
    if (uidset_empty(&m->find.found) || m->program.returns == SEARCH_SAVE)
        return;
    buf_init(&data, IMAP_MULTISEARCH_DATA_BYTES);
    imap_search_return_data(&m->program, &m->find, &m->find.found, &data);
    imap_out(s, SPAN("* ESEARCH (TAG "));
    imap_out_string(s, c->tag);
    imap_out(s, SPAN(" MAILBOX "));
    imap_out_mailbox(s, box->name);
    imap_outf(s, " UIDVALIDITY %u) UID", box->uidvalidity);
    imap_out(s, buf_span(&data));
    imap_out(s, SPAN("\r\n"));
    buf_fini(&data);
}

/* One slice. A mailbox that goes meanwhile has no messages. */
static enum err imap_multisearch_slice(struct imap_cmd *c, struct imap_multisearch *m,
                                       struct fault *f)
{
    bool done = false;
    enum err e = m->finding ? ERR_OK : imap_multisearch_begin(c, m, f);
    if (e == ERR_OK)
        e = imap_find_more(&m->find, &done, f);
    imap_progress_find(c, &m->find);
    if (e == ERR_OK && !done)
        return ERR_OK;
    if (e == ERR_OK) {
        imap_multisearch_say(c, m);
        if (m->program.returns & SEARCH_SAVE)
            imap_search_return_saved(&m->program, &m->find.found, &c->session->view->saved);
    }
    imap_find_fini(&m->find);
    m->finding = false;
    m->at++;
    return e == ERR_NOTFOUND ? ERR_OK : e;
}

static enum step imap_multisearch_fail(struct imap_cmd *c, struct imap_multisearch *m, enum err e,
                                       const struct fault *f)
{
    if ((m->program.returns & SEARCH_SAVE) && c->session->view)
        uidset_clear(&c->session->view->saved);
    return imap_reply_err(c, e, f);
}

static enum step imap_multisearch_more(struct imap_cmd *c)
{
    struct imap_multisearch *m = c->state;
    struct fault f = FAULT_NONE;
    enum err e = ERR_OK;
    while (e == ERR_OK && m->at < m->n) {
        e = imap_multisearch_slice(c, m, &f);
        if (e == ERR_OK && m->at < m->n && imap_cmd_should_yield(c))
            return STEP_MORE;
    }
    if (e != ERR_OK)
        return imap_multisearch_fail(c, m, e, &f);
    return imap_reply_ok(c, NULL, "ESEARCH completed");
}

enum step imap_multisearch(struct imap_cmd *c)
{
    struct imap_multisearch *m = arena_new_of(c->arena, struct imap_multisearch);
    c->state = m;
    c->cleanup = imap_multisearch_cleanup;
    imap_multisearch_parse(c, m);
    if (!scan_ok(&c->args))
        return imap_reply_bad(c, c->args.why);
    if (m->program.bad_charset) {
        if (m->program.returns & SEARCH_SAVE)
            uidset_clear(&c->session->view->saved);
        return imap_search_return_bad_charset(c);
    }
    if (m->program.modseq)
        imap_condstore_on(c->session);
    if (m->program.returns & SEARCH_UPDATE) { /* only SEARCH and SORT do that: RFC 5267 §4.3.1 */
        imap_out(c->session, SPAN("* NO [NOUPDATE "));
        imap_out_string(c->session, c->tag);
        imap_out(c->session, SPAN("] Updates come for SEARCH and SORT only\r\n"));
    }
    m->reader = imap_scope_begin(c->session, c->arena, m->scopes, m->scope_count);
    c->more = imap_multisearch_list;
    return imap_multisearch_list(c);
}
