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
/* The mailboxes of any of the scopes, but for the selected one (the first two kinds), each once, those that were named
 * themselves first. The user has ACL_READ on all of them, and ACL_LOOKUP where they were not named; others are passed over without a word
 * (RFC 7377 §2.2). In a, with the names that the session knows them by. */
enum err imap_scope_mailboxes(struct imap_session *s, struct txn *t, struct arena *a,
                              const struct imap_scope *scopes, size_t n, struct mailbox **out,
                              size_t *n_out, struct fault *f);
