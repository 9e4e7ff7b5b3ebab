#pragma once /* store/acl.h: who may do what with a mailbox, RFC 4314: the one place that decides */
#include "store/mailbox.h"

/* RFC 4314 §2.1, in the order of acl_letters. */
enum acl_right {
    ACL_LOOKUP = 1,           /* l: LIST, SUBSCRIBE, and to learn that it is there at all */
    ACL_READ = 2,             /* r: SELECT, STATUS, FETCH, SEARCH, COPY from it */
    ACL_SEEN = 4,             /* s: \Seen */
    ACL_WRITE = 8,            /* w: all flags but \Seen and \Deleted */
    ACL_INSERT = 16,          /* i: APPEND, COPY and MOVE into it */
    ACL_POST = 32,            /* p: mail to its address */
    ACL_CREATE = 64,          /* k: mailboxes below it */
    ACL_DELETE_MAILBOX = 128, /* x */
    ACL_DELETE = 256,         /* t: \Deleted */
    ACL_EXPUNGE = 512,        /* e */
    ACL_ADMIN = 1024,         /* a: GETACL, SETACL, LISTRIGHTS */
    ACL_ALL = 2047
};

/* The rights that an account has on a mailbox: all on its own. Any transaction. */
enum err acl_rights(struct txn *t, uint64_t account, const struct mailbox *box,
                    unsigned *rights_out, struct fault *f);
/* ERR_OK: it has all of these. ERR_NOTFOUND: not even ACL_LOOKUP, so that it must look as if there were no such
 * mailbox. ERR_DENIED: it may know of it, but not do that. */
enum err acl_authorize(struct txn *t, uint64_t account, const struct mailbox *box, unsigned rights,
                       struct fault *f);
