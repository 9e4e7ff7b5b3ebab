#pragma once /* imapd/imap_notify.h: what a client hears of without asking: NOTIFY, RFC 5465, and METADATA, RFC 5464 §4.4 */
#include "imapd/imap_fetch.h"
#include "imapd/imap_scope.h"

enum imap_notify_event {
    NOTIFY_NEW = 1,
    NOTIFY_EXPUNGE = 2,
    NOTIFY_FLAGS = 4,
    NOTIFY_NAME = 8,
    NOTIFY_SUBSCRIPTION = 16,
    NOTIFY_METADATA = 32,
    NOTIFY_SERVER = 64 /* ServerMetadataChange */
};
#define NOTIFY_MESSAGES (NOTIFY_NEW | NOTIFY_EXPUNGE | NOTIFY_FLAGS)
#define NOTIFY_GROUP_COUNT 100

/* event-group, RFC 5465 §8 */
struct imap_notify_group {
    struct imap_scope scope;
    unsigned events; /* of enum imap_notify_event; 0: NONE */
    bool fetches;
    struct fetch_items fetch; /* with MessageNew of the selected mailbox */
};
struct imap_notify_groups {
    struct imap_notify_group *list;
    size_t n;
    bool status;    /* tell STATUS first */
    bool bad_event; /* an event that nobody knows: NO [BADEVENT] */
    bool none;      /* NOTIFY NONE */
};
#define NOTIFY_ALL_EVENTS                                                                          \
    "MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange MailboxMetadataChange "   \
    "ServerMetadataChange"
/* The arguments of NOTIFY; in a, but what s reads from must live as long. */
void imap_notify_parse(struct scan *s, struct arena *a, bool utf8, struct imap_notify_groups *out);

/* --- for the session and the view; a session without NOTIFY has none of this --- */
struct imap_notify;
/* The client is told how many messages there are in the selected mailbox (EXISTS, EXPUNGE), or of flags. Without NOTIFY: both. */
bool imap_notify_counts(const struct imap_session *s);
bool imap_notify_flags(const struct imap_session *s);
/* NOTIFY was used: FETCH in the news has UID, RFC 5465 §5.1 */
bool imap_notify_used(const struct imap_session *s);
/* Something may be told between commands. */
bool imap_notify_listens(const struct imap_session *s);
/* A response stands half said: nothing may be read or told. */
bool imap_notify_mid(const struct imap_session *s);
/* Of the selected mailbox: added by the session itself; and: the client hears of these. */
void imap_notify_mine(struct imap_session *s, const struct uidset *uids);
void imap_notify_arrived(struct imap_session *s, const struct uidset *uids);
/* Between commands, or in IDLE: everything that may be told now. False: there is more than fits into this turn or the output. */
bool imap_notify_turn(struct imap_session *s);
/* Before a tagged reply: unsolicited METADATA where it was enabled without NOTIFY. */
void imap_notify_reply(struct imap_session *s);
/* The selected mailbox is left. */
void imap_notify_deselect(struct imap_session *s);
/* METADATA or METADATA-SERVER was enabled. */
void imap_notify_metadata(struct imap_session *s);
void imap_notify_end(struct imap_notify **n); /* NULL is fine */
