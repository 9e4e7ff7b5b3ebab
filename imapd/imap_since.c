#include "imapd/imap_since.h"

#include "imapd/imap_session.h"
#include "imapd/imapd_home.h"

#define IMAP_SINCE_FEW_COUNT 32   /* rows of the first helping: mostly that is all */
#define IMAP_SINCE_MANY_COUNT 512 /* of each later one */

void imap_since_init(struct imap_since *x, uint64_t modseq)
{
    *x = (struct imap_since){.modseq = modseq, .at = modseq};
}

void imap_since_fini(struct imap_since *x)
{
    uidset_fini(&x->changed);
    uidset_fini(&x->gone);
}

/* Of one helping: joined in one go, so that many small changes in any order stay cheap. */
struct imap_since_helping {
    struct uidset changed, gone;
};

static void imap_since_change(void *arg, const struct change *c, const struct uidset *uids)
{
    struct imap_since_helping *h = arg;
    if (c->kind == CHANGE_REMOVED)
        uidset_add_set(&h->gone, uids);
    else if (c->kind == CHANGE_ADDED || c->kind == CHANGE_FLAGS)
        uidset_add_set(&h->changed, uids);
}

/* Not in the log any more: RFC 7162 §3.2.6 note. */
static enum err imap_since_all(struct imap_session *s, struct imap_since *x, struct txn *t,
                               struct fault *f)
{
    struct mailbox box;
    struct imap_cache_box *cached;
    enum err e = mailbox_get(t, NULL, s->view->mailbox, &box, f);
    if (e == ERR_OK)
        e = imap_cache_look(&s->home->cache, t, &box, &cached, f);
    if (e != ERR_OK)
        return e;
    x->whole = x->done = true;
    uidset_clear(&x->gone);
    if (box.uidnext > 1)
        uidset_add(&x->gone, 1, box.uidnext - 1);
    uidset_remove_set(&x->gone, &cached->uids);
    return ERR_OK;
}

static enum err imap_since_read(struct imap_cmd *c, struct imap_since *x, struct txn *t,
                                struct fault *f)
{
    struct imap_view *v = c->session->view;
    struct imap_since_helping h = {{0}, {0}};
    size_t max = x->at == x->modseq ? IMAP_SINCE_FEW_COUNT : IMAP_SINCE_MANY_COUNT;
    enum err e;
    do {
        e = changes_since_some(t, v->watch.account, v->mailbox, &x->at, max, &x->done,
                               imap_since_change, &h, f);
        uidset_add_set(&x->changed, &h.changed);
        uidset_add_set(&x->gone, &h.gone);
        uidset_clear(&h.changed);
        uidset_clear(&h.gone);
        max = IMAP_SINCE_MANY_COUNT;
    } while (e == ERR_OK && !x->done && !imap_cmd_should_yield(c));
    uidset_fini(&h.changed);
    uidset_fini(&h.gone);
    return e;
}

enum err imap_since_slice(struct imap_cmd *c, struct imap_since *x, struct fault *f)
{
    struct txn *t = NULL;
    enum err e = txn_read(c->session->options->store, &t, f);
    if (e == ERR_OK)
        e = imap_since_read(c, x, t, f);
    if (e == ERR_LIMIT)
        e = imap_since_all(c->session, x, t, f);
    txn_read_end(&t);
    if (e == ERR_OK && x->done)
        uidset_remove_set(&x->gone, &c->session->view->uids);
    return e;
}
