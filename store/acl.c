#include "store/acl.h"

enum err acl_rights(struct txn *t, uint64_t account, const struct mailbox *box,
                    unsigned *rights_out, struct fault *f)
{
    (void)t;
    (void)f;
    *rights_out = box->account == account ? ACL_ALL : 0;
    return ERR_OK;
}

enum err acl_authorize(struct txn *t, uint64_t account, const struct mailbox *box, unsigned rights,
                       struct fault *f)
{
    unsigned given = 0;
    enum err e = acl_rights(t, account, box, &given, f);
    if (e != ERR_OK)
        return e;
    if (!(given & ACL_LOOKUP))
        return ERR_NOTFOUND;
    if ((given & rights) != rights)
        return fault_set(f, ERR_DENIED, "the rights to this mailbox do not allow that");
    return ERR_OK;
}
