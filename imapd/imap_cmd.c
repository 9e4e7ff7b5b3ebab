#include "imapd/imap_cmd.h"

#include "common/must.h"
#include "imapd/imap_session.h"

struct imap_cmd *imap_cmd_of_op(struct store_op *op)
{
    return list_entry(op, struct imap_cmd, op);
}

static void imap_cmd_done(struct store_op *op, enum err e, const struct fault *f)
{
    struct imap_cmd *c = imap_cmd_of_op(op);
    c->op_result = e;
    if (f != &op->fault)
        op->fault = f ? *f : FAULT_NONE;
    /* Our own change belongs into the news before our tagged reply, whether or not its
     * announcement has come already. */
    if (c->session->view)
        c->session->view->stale = true;
    imap_session_resume(c->session);
}

enum step imap_cmd_submit(struct imap_cmd *c,
                          enum err (*apply)(struct txn *t, struct store_op *op, struct fault *f),
                          imap_step_fn *then)
{
    struct imap_session *s = c->session;
    c->op = (struct store_op){
        .apply = apply, .done = imap_cmd_done, .home = loop_post(s->loop), .actor = s->actor};
    c->more = then;
    committer_submit(s->options->store, &c->op);
    return STEP_WAIT;
}

bool imap_cmd_should_yield(struct imap_cmd *c)
{
    const struct imap_session *s = c->session;
    return loop_slice_over(s->loop) || !s->conn || !conn_has_room(s->conn);
}

void imap_cmd_end(struct imap_cmd *c)
{
    struct imap_session *s = c->session;
    struct arena *a = c->arena;
    if (c->cleanup)
        c->cleanup(c);
    arena_reset(a);
    *c = (struct imap_cmd){.session = s, .arena = a};
}
