#pragma once /* imapd/imap_notify_state.h: what imapd/imap_notify.c keeps and imapd/imap_notify_tell.c tells */
#include "imapd/imap_notify.h"
#include "imapd/imap_session.h"

#define NOTIFY_WAITING_COUNT 2000 /* events that wait to be told; more: NOTIFICATIONOVERFLOW */

/* What has happened, as the watchers said it. */
struct imap_notify_entry {
    uint64_t account, mailbox;
    enum change_kind kind;
    unsigned
        messages; /* of NOTIFY_MESSAGES, for kinds up to CHANGE_REMOVED: one entry for each mailbox */
    bool mine;    /* by this session: only what we know is brought up to date */
    uint64_t by; /* account of the actor */
    struct span about;
};
/* An account that shares something with the session's. */
struct imap_notify_owner {
    struct list_node node;
    struct changes_watch watch;
    struct imap_notify *notify;
};
struct imap_notify {
    struct imap_session *session;
    bool used;          /* NOTIFY was */
    struct arena *kept; /* the groups; NULL: none */
    struct imap_notify_groups groups;
    const struct imap_notify_group *selected; /* among them; NULL: none */
    unsigned wanted;                          /* events of any group but that */
    bool others;                              /* mailboxes of others may be meant */
    struct changes_watch own;
    struct list_node owners;   /* struct imap_notify_owner */
    uint64_t *listed, *barred; /* mailboxes of others that may be listed; those told as \NoAccess */
    size_t listed_n, barred_n;
    struct arena *waiting; /* of the entries */
    struct imap_notify_entry *entries;
    size_t n, at;
    bool overflow;
    struct uidset mine,
        fresh; /* of the selected mailbox: added by us; told and still to be fetched */
    struct imap_cmd fetcher;
    bool fetching, mid;
};

/* The events of the groups for such a mailbox, and METADATA where it was enabled. */
unsigned imap_notify_tell_events(const struct imap_notify *n, struct span name, bool own,
                                 bool subscribed);
void imap_notify_watch_owner(struct imap_notify *n, uint64_t account);
/* A set of mailboxes: in, or out. True: it was not so before. */
bool imap_notify_mark(uint64_t **list, size_t *n, uint64_t id, bool in);
/* Tells the next entry, in t. */
enum err imap_notify_tell(struct imap_notify *n, struct txn *t, struct arena *a,
                          const struct imap_notify_entry *entry, struct fault *f);
/* The first word on a mailbox, for NOTIFY SET: STATUS if wanted, or that there is no access to it. */
enum err imap_notify_tell_first(struct imap_notify *n, struct txn *t, const struct mailbox *box,
                                bool subscribed, struct fault *f);
