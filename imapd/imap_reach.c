#include "imapd/imap_reach.h"

#include "imapd/imap_session.h"

enum err imap_reach_owner(struct imap_session *s, struct txn *t, struct span name,
                          uint64_t *account_out, struct span *own_name_out, struct fault *f)
{
    (void)t;
    (void)f;
    *account_out = s->account;
    *own_name_out = name;
    return ERR_OK;
}

enum err imap_reach(struct imap_session *s, struct txn *t, struct arena *a, struct span name,
                    unsigned rights, struct mailbox *out, struct fault *f)
{
    uint64_t account;
    struct span own;
    enum err e = imap_reach_owner(s, t, name, &account, &own, f);
    if (e == ERR_OK)
        e = mailbox_find(t, a, account, own, out, f);
    if (e == ERR_OK)
        e = acl_authorize(t, s->account, out, rights, f);
    if (e == ERR_OK)
        out->name = name;
    return e;
}

enum err imap_reach_selected(struct imap_session *s, struct txn *t, unsigned rights,
                             struct fault *f)
{
    struct mailbox box;
    enum err e = mailbox_get(t, NULL, s->view->mailbox, &box, f);
    return e == ERR_OK ? acl_authorize(t, s->account, &box, rights, f) : e;
}
