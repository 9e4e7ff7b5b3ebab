#pragma once /* imapd/imap_view.h: what one session believes the selected mailbox holds */
#include "store/acl.h"
#include "store/changes.h"
#include "store/mailbox.h"
#include "store/uidset.h"

struct imap_session;
struct imap_contexts;

/* Sequence numbers live here: the nth member of uids is message n of this session, until the
 * session is told otherwise (RFC 9051 §2.3.1.2). */
struct imap_view {
    uint64_t mailbox;
    uint32_t uidvalidity;
    bool examined;         /* EXAMINE */
    unsigned rights;       /* of enum acl_right, as of the last look */
    bool read_only;        /* examined, or without a right to change anything: RFC 4314 §5.2 */
    bool rights_stale;     /* they were changed since the last look */
    bool rights_changed;   /* and PERMANENTFLAGS is to be told again */
    bool gone;             /* the mailbox was deleted by another session */
    struct uidset uids;    /* as the client has been told */
    uint64_t modseq;       /* all changes up to here are in uids or in the sets below */
    uint64_t looked;       /* the account's log was read up to here */
    uint64_t told_modseq;  /* all changes up to here the client has been told */
    uint64_t sent_modseq;  /* the largest MODSEQ it was sent since the last tagged reply */
    bool behind;           /* it was told a HIGHESTMODSEQ that is smaller than a MODSEQ it knows */
    struct uidset added;   /* not yet told: EXISTS */
    struct uidset removed; /* not yet told: EXPUNGE; still in uids */
    struct uidset flagged; /* changed by others and not yet told: FETCH FLAGS */
    struct uidset saved;   /* the result of SEARCH RETURN (SAVE): "$", RFC 9051 §6.4.4.1 */
    uint32_t recent_from;  /* UIDs from here on are \Recent to this session */
    uint32_t told_exists;  /* the last EXISTS sent */
    size_t told_keywords;  /* keywords in the last FLAGS response */
    struct arena *arena;   /* of the keyword names */
    const struct span *keywords;
    size_t keyword_count;
    bool own_change;       /* the session itself added or removed some of those not yet told */
    bool stale;            /* a change was announced since the last look */
    uint32_t recent_noted; /* \Recent was settled below this UID; 0: not yet */
    struct imap_contexts *contexts; /* searches that are kept up to date; NULL: none */
    struct changes_watch watch;
    struct imap_session *session;
};

/* Reads the mailbox in t. Caller is on the session's loop; the mailbox may be another account's. */
enum err imap_view_open(struct imap_session *s, struct txn *t, const struct mailbox *box,
                        bool read_only, struct imap_view **out, struct fault *f);
void imap_view_close(struct imap_view **v); /* NULL is fine */
/* Looks at the change log, if something was announced, and sorts it into added, removed,
 * flagged. Says nothing. */
enum err imap_view_refresh(struct imap_view *v, struct fault *f);
/* Tells the client: EXPUNGE lines only if may_expunge (RFC 9051 §7.5.1: never during FETCH,
 * STORE, SEARCH), EXISTS, RECENT (unless rev2), FLAGS when there are new keywords, FETCH with
 * FLAGS (and UID, and MODSEQ if CONDSTORE is on). Refreshes first. False: there are more flags
 * than fit into this turn or the output; imap_view_news_more goes on, and says the same. */
bool imap_view_news(struct imap_view *v, bool may_expunge, bool with_uid);
bool imap_view_news_more(struct imap_view *v, bool with_uid);
/* "* 12 FETCH (", or "* 4827313 UIDFETCH (" to a client of UIDONLY (RFC 9586 §3.3). */
void imap_view_line(struct imap_view *v, uint32_t uid, struct buf *out);
/* A FETCH response with the flags of that row, as in the news. */
struct msg;
enum err imap_view_tell_flags(struct imap_view *v, struct txn *t, const struct msg *m,
                              bool with_uid, struct fault *f);
/* The client is being sent this MODSEQ of a message. What else had changed by then it will be told before it may take
 * that number for the mailbox's: RFC 7162 §3.2. */
void imap_view_modseq_sent(struct imap_view *v, uint64_t modseq);
/* Before a tagged reply, after the news: where expunges had to wait (or there is no end of news), HIGHESTMODSEQ says how
 * far the client's knowledge is complete: RFC 7162 §3.2 and §6. */
void imap_view_settle(struct imap_view *v);
/* Keyword names again from the store: after a bit that is not known yet. */
enum err imap_view_keywords(struct imap_view *v, struct txn *t, struct fault *f);
/* The same where a row's bitmap has such a bit; then the client is told the names, before their
 * first use: RFC 9051 §7.3.5 */
enum err imap_view_keywords_of(struct imap_view *v, struct txn *t, struct span bitmap,
                               struct fault *f);
/* "* FLAGS (...)" and "* OK [PERMANENTFLAGS (...)]". */
void imap_view_tell_keywords(struct imap_view *v);
/* Notes in the background that this session was told of the messages it has as \Recent; nothing
 * after EXAMINE. */
void imap_view_recent_told(struct imap_view *v);
uint32_t imap_view_recent_count(struct imap_view *v);
bool imap_view_recent(const struct imap_view *v, uint32_t uid);

/* A sequence-set of the client (sequence numbers, or UIDs if uid) as UIDs that the view holds,
 * in order (RFC 9051 §9 sequence-set, seq-range; "*" is the last message; of an empty mailbox it
 * is nothing for UIDs). False: a sequence number beyond the mailbox: BAD. "$" is the saved
 * search result (RFC 9051 §6.4.4.1), with and without UID. */
struct imap_set {
    struct imap_set_range {
        uint32_t first, last;
    } * ranges; /* 0xFFFFFFFF + star flag: see star */
    size_t n;
    bool saved; /* "$" */
};
#define IMAP_SET_STAR 0 /* in first or last: "*" */
bool imap_view_resolve(struct imap_view *v, const struct imap_set *set, bool uid,
                       struct uidset *out);
