#pragma once /* imapd/imap_view.h: what one session believes the selected mailbox holds */
#include "store/changes.h"
#include "store/mailbox.h"
#include "store/uidset.h"

struct imap_session;

/* Sequence numbers live here: the nth member of uids is message n of this session, until the
 * session is told otherwise (RFC 9051 §2.3.1.2). */
struct imap_view {
    uint64_t mailbox;
    uint32_t uidvalidity;
    bool read_only;        /* EXAMINE */
    bool gone;             /* the mailbox was deleted by another session */
    struct uidset uids;    /* as the client has been told */
    uint64_t modseq;       /* all changes up to here are in uids or in the sets below */
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
    bool stale;            /* a change was announced since the last look */
    uint32_t recent_noted; /* \Recent was settled below this UID; 0: not yet */
    struct changes_watch watch;
    struct imap_session *session;
};

/* Reads the mailbox in t. Caller is on the account's loop. */
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
