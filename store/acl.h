#pragma once /* store/acl.h: who may do what with a mailbox, RFC 4314: the one place that decides */
#include "store/mailbox.h"

/* RFC 4314 §2.1, in the order of acl_text. */
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
/* Those of which one at least is needed for anything, MYRIGHTS too: RFC 4314 §4. */
#define ACL_ANY (ACL_LOOKUP | ACL_READ | ACL_INSERT | ACL_CREATE | ACL_DELETE_MAILBOX | ACL_ADMIN)
#define ACL_OWNER (ACL_LOOKUP | ACL_ADMIN) /* nobody can take these from the owner */
#define ACL_ENTRY_COUNT 1000               /* entries of one mailbox */
#define ACL_TEXT_BYTES 16

/* --- asking --- */

/* The rights that an account has on a mailbox. The owner: all, but what an entry of its own takes away; others: what their
 * entry and that of "anyone" give, without what the negative ones of both take (RFC 4314 §2). Any transaction. */
enum err acl_rights(struct txn *t, uint64_t account, const struct mailbox *box,
                    unsigned *rights_out, struct fault *f);
/* ERR_OK: it has all of these, and one of ACL_ANY. ERR_NOTFOUND: it has not, nor ACL_LOOKUP, so that it must look as if
 * there were no such mailbox (RFC 4314 §6). ERR_DENIED: it may know of it, but not do that. */
enum err acl_authorize(struct txn *t, uint64_t account, const struct mailbox *box, unsigned rights,
                       struct fault *f);
/* The flags that the actor of this operation may change: bits of enum flags_system, and whether keywords. All where it is
 * no user of IMAP. RFC 4314 §4 */
struct acl_flags {
    uint32_t system;
    bool keywords;
};
enum err acl_flags(struct txn *t, const struct mailbox *box, struct acl_flags *out,
                   struct fault *f);

/* --- the entries --- */

struct acl_entry {
    uint64_t account; /* 0: anyone */
    bool negative;    /* takes rights away */
    unsigned rights;
};
enum acl_how { ACL_REPLACE, ACL_ADD, ACL_REMOVE };

/* In an operation: changes that entry by how and entry->rights; one without rights goes. The owner keeps ACL_OWNER. Sessions
 * that have the mailbox selected hear of it. ERR_LIMIT: ACL_ENTRY_COUNT. */
enum err acl_change(struct txn *t, const struct mailbox *box, const struct acl_entry *entry,
                    enum acl_how how, struct fault *f);
/* The owner's first, whether or not it is written down, then the others; until fn returns false. */
enum err acl_each(struct txn *t, const struct mailbox *box,
                  bool (*fn)(void *arg, const struct acl_entry *entry), void *arg, struct fault *f);
/* The mailboxes with an entry that gives that account (or, 0, anyone) something; costs as many look-ups as there are. */
enum err acl_each_given(struct txn *t, uint64_t account, bool (*fn)(void *arg, uint64_t mailbox),
                        void *arg, struct fault *f);

/* "lrswipkxteacd": with the virtual rights c and d of RFC 4314 §2.1.1, c for k or x, d for t or e. */
const char *acl_text(unsigned rights, char out[ACL_TEXT_BYTES]);
/* The same without these two, for records. */
const char *acl_letters(unsigned rights, char out[ACL_TEXT_BYTES]);
/* And back; c is k and x, d is t and e. False: something else. */
bool acl_parse(struct span text, unsigned *rights_out);

/* --- inside store/ --- */
/* A new mailbox gets the entries of the one above it. */
enum err acl_inherit(struct txn *t, uint64_t from, uint64_t to, struct fault *f);
enum err acl_drop(struct txn *t, uint64_t mailbox, struct fault *f);   /* with the mailbox */
enum err acl_forget(struct txn *t, uint64_t account, struct fault *f); /* with the account */
/* What a row says. by_account: it is the second row of an entry, and has no rights. False: damaged. */
struct acl_row {
    uint64_t mailbox;
    struct acl_entry entry;
    bool by_account;
};
bool acl_row_of(struct span key, struct span value, struct acl_row *out);
/* The two rows of an entry; the value of the second is empty. */
#define ACL_KEY_BYTES 18
struct acl_rows {
    char by_mailbox[ACL_KEY_BYTES], by_account[ACL_KEY_BYTES], rights[2];
};
void acl_rows(uint64_t mailbox, const struct acl_entry *entry, struct acl_rows *out);
