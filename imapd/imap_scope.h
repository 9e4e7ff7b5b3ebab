#pragma once /* imapd/imap_scope.h: "all personal mailboxes", "this one and those below": filter-mailboxes, RFC 5465 §6 */
#include "common/scan.h"
#include "store/mailbox.h"

struct imap_session;

enum imap_scope_kind {
    IMAP_SCOPE_SELECTED,
    IMAP_SCOPE_SELECTED_DELAYED,
    IMAP_SCOPE_INBOXES,
    IMAP_SCOPE_PERSONAL,
    IMAP_SCOPE_SUBSCRIBED,
    IMAP_SCOPE_SUBTREE,
    IMAP_SCOPE_SUBTREE_ONE, /* RFC 7377 §2.2 */
    IMAP_SCOPE_MAILBOXES
};
#define IMAP_SCOPE_NAME_COUNT 200 /* names behind one of them */

struct imap_scope {
    enum imap_scope_kind kind;
    const struct span *names; /* of the last three, in UTF-8 */
    size_t n;
};
/* One of filter-mailboxes; the names in a. Which kinds a command does not know is for it to say. */
struct imap_scope imap_scope_parse(struct scan *s, struct arena *a, bool utf8);
/* Whether such a mailbox is meant; never by the first two kinds. own: it is the account's. */
bool imap_scope_covers(const struct imap_scope *scope, struct span name, bool own, bool subscribed);
/* The mailboxes of any of the scopes, but for the selected one (the first two kinds), each once, those that were named
 * themselves first. The user has ACL_READ on all of them, and ACL_LOOKUP where they were not named; others are passed over without a word
 * (RFC 7377 §2.2). In a, with the names that the session knows them by, and with room for one more. In slices, each in a snapshot
 * of its own; scopes are borrowed. enough: asked now and then; true ends the slice. *done: they are there. imap_scope_end: in
 * any case, when they are there or nobody waits for them any more. */
struct imap_scope_reader;
struct imap_scope_reader *imap_scope_begin(struct imap_session *s, struct arena *a,
                                           const struct imap_scope *scopes, size_t n);
enum err imap_scope_more(struct imap_scope_reader *r, struct txn *t, bool (*enough)(void *arg),
                         void *arg, bool *done, struct mailbox **out, size_t *n_out,
                         struct fault *f);
void imap_scope_end(struct imap_scope_reader *r);
