#pragma once /* imapd/imap_search.h: a SEARCH as a program, and one message held against it */
#include "common/buf.h"
#include "imapd/imap_flagset.h"
#include "imapd/imap_session.h"
#include "message/outline.h"
#include "store/body_text.h"
#include "store/msg.h"

/* In the order of what they cost: flags and dates of the row first, then the outline, then
 * headers, then the body. */
enum search_kind {
    SEARCH_ALL,
    SEARCH_FLAG,
    SEARCH_RECENT,
    SEARCH_NEW,
    SEARCH_KEYWORD,
    SEARCH_SET,
    SEARCH_SIZE_OVER,
    SEARCH_SIZE_UNDER,
    SEARCH_MODSEQ,
    SEARCH_INTERNAL,
    SEARCH_SAVED,   /* RFC 8514 §4.3 */
    SEARCH_OLDER,   /* RFC 5032 §3 */
    SEARCH_YOUNGER, /* the same */
    SEARCH_EMAIL,   /* RFC 8474 §6 */
    SEARCH_THREAD,  /* the same */
    SEARCH_GROUP,
    SEARCH_OR,
    SEARCH_SENT,
    SEARCH_HEADER,
    SEARCH_BODY,
    SEARCH_TEXT
};
enum search_when { SEARCH_BEFORE, SEARCH_ON, SEARCH_SINCE };

struct search_key {
    enum search_kind kind;
    bool negated;
    bool fuzzy;               /* RFC 6203 §3 */
    struct search_key *next;  /* and: the rest of the list */
    struct search_key *a, *b; /* the list of a group; both sides of OR */
    unsigned cost;            /* its own kind, or the dearest kind within */
    uint32_t flag;            /* of enum flags_system; set: must be set */
    bool set;                 /* of EMAILID and THREADID: it is an id of ours */
    enum search_when when;
    int32_t day; /* days since 1970 */
    uint64_t number;
    int64_t moment;                  /* seconds since 1970 UTC */
    struct span name;                /* keyword; header field */
    struct search_key *next_keyword; /* of the program; its bit in the mailbox that is searched: */
    bool known;
    size_t bit;
    struct span text; /* folded, fold_key */
    /* What must all be found, folded: the text, or the words of a fuzzy one. None: everything has it. */
    const struct span *words;
    size_t word_count;
    const struct uidset *uids;
    unsigned scan; /* HEADER, BODY and TEXT: which of the program's scans */
};

enum search_return {
    SEARCH_MIN = 1,
    SEARCH_MAX = 2,
    SEARCH_COUNT = 4,
    SEARCH_LIST = 8,
    SEARCH_SAVE = 16,
    SEARCH_PARTIAL = 32,   /* RFC 9394 §3.1 */
    SEARCH_RELEVANCY = 64, /* RFC 6203 §4 */
    SEARCH_CONTEXT = 128,  /* a hint, RFC 5267 §4.2 */
    SEARCH_UPDATE = 256    /* RFC 5267 §4.3 */
};
/* partial-range of RFC 9394 §4: results first to last, at least 1; backwards: counted from the end. */
struct search_partial {
    bool backwards;
    uint32_t first, last;
};
#define SEARCH_SCAN_COUNT 1000 /* HEADER, BODY and TEXT keys in one program */
#define SEARCH_SET_COUNT 64    /* sets in one program */
#define SEARCH_WORD_COUNT 16   /* words of a fuzzy text that are looked for */

struct search_program {
    struct search_key *keys;
    unsigned key_count;
    bool extended;    /* RETURN was given: ESEARCH, RFC 9051 §6.4.4 */
    unsigned returns; /* of enum search_return */
    struct search_partial partial;
    /* "(" items ")" behind UPDATE, in what was parsed: RFC 5465 §7 */
    struct span fetch;
    bool modseq;    /* a MODSEQ key: the result tells the highest, RFC 7162 §3.1.5 */
    bool flags;     /* flags or keywords are asked for */
    bool dates;     /* Date fields are */
    bool fuzzy;     /* a FUZZY key is there */
    bool numbers;   /* message numbers are in it */
    bool relevancy; /* scores are wanted: RETURN (RELEVANCY), or a sort by it */
    struct search_key *keyword_keys;
    unsigned scans;
    struct search_key *scan_keys[SEARCH_SCAN_COUNT];
    struct uidset sets[SEARCH_SET_COUNT]; /* freed by imap_search_parse_end */
    struct search_set {
        struct imap_set set;
        bool uid;
    } given[SEARCH_SET_COUNT]; /* what they were made of */
    unsigned set_count;
    bool bad_charset, charset_given;
    struct span charset; /* of the keys; empty: UTF-8 */
};
/* The response code where a charset is not known. */
#define IMAP_SEARCH_BADCHARSET "BADCHARSET (UTF-8 US-ASCII ISO-8859-1 WINDOWS-1252)"
/* A whole SEARCH, to the end of s. v NULL: what the sets mean is found out later, mailbox by mailbox. */
void imap_search_parse(struct scan *s, struct arena *a, struct imap_view *v,
                       struct search_program *out);
/* Its pieces behind "RETURN (...)" (imap_search_return_parse), for commands that mix them with others, in this order, with *out all zeroes before. Each reads the space behind
 * itself but the last: */
/* "CHARSET x ", if it is there; or, for SORT and THREAD, a label that was read already. Not known: out->bad_charset. */
void imap_search_parse_charset(struct scan *s, struct arena *a, struct search_program *out);
void imap_search_parse_label(struct span label, struct search_program *out);
/* The keys, to the end of s. Nothing after bad_charset. */
void imap_search_parse_keys(struct scan *s, struct arena *a, struct imap_view *v,
                            struct search_program *out);
/* The sets as v has them now, or, for a mailbox that is not selected, with these UIDs: "$" is nothing there. */
void imap_search_parse_resolve(struct search_program *p, struct imap_view *v,
                               const struct uidset *uids);
/* Why this session may not ask that, a BAD: CHARSET after ENABLE UTF8=ACCEPT (RFC 9755 §3), message numbers after ENABLE
 * UIDONLY (RFC 9586 §3). NULL: it may. */
const char *imap_search_parse_against(const struct imap_session *s, const struct search_program *p);
/* Also of a program that is all zeroes. */
void imap_search_parse_end(struct search_program *p);

/* --- before the first message --- */

struct search_sets {
    const struct imap_flagset *flags; /* NULL: they are not kept */
    const struct imap_view *view;     /* NULL: the mailbox is not selected */
};
/* Takes out of upper what cannot be found. True: all that is left will be found; the rows need not be read. */
bool imap_search_plan(const struct search_key *keys, const struct search_sets *sets,
                      struct uidset *upper);
/* Whether the index of texts (store/index.h) can rule messages out. */
bool imap_search_filter_helps(const struct search_key *keys);
/* What the index rules out of n bodies, in steps of a millisecond or so; all of it in a. maybe: borrowed, a 1 for each; a body that
 * cannot be of a message that is found becomes 0. bodies ascending, each once, the same at each step; t may be another one. */
struct search_filter;
struct search_filter *imap_search_filter_new(struct arena *a, const struct search_key *keys,
                                             unsigned char *maybe, size_t n);
enum err imap_search_filter_step(struct search_filter *w, struct txn *t, const uint64_t *bodies,
                                 bool *done, struct fault *f);

/* --- message by message --- */

enum search_answer { SEARCH_NO, SEARCH_YES, SEARCH_NEEDS_SCAN };

/* One message; what is read of it is kept until the next. */
struct search_message {
    struct txn *t;
    struct imap_view *view; /* NULL: the mailbox is not selected */
    struct arena *arena;    /* reset for each message */
    const struct msg *msg;
    bool rows_only; /* what is not in the row needs a scan */
    bool have_date; /* from the digest: */
    bool dated;
    struct date sent;
    bool have_outline, have_header;
    struct buf record, header;
    struct outline outline;
    unsigned char scanned[SEARCH_SCAN_COUNT]; /* enum search_answer; SEARCH_NEEDS_SCAN: not yet */
    uint32_t words[SEARCH_SCAN_COUNT];        /* of the key's words: those that were found */
    bool exactly[SEARCH_SCAN_COUNT];          /* the whole text of a fuzzy key was seen */
    enum err err;
    struct fault fault;
};
/* SEARCH_NEEDS_SCAN: *scan_out has to be looked for in the body first. An error is in m->err,
 * the answer NO then. */
enum search_answer imap_search_match(struct search_message *m, const struct search_key *keys,
                                     unsigned *scan_out);
/* How well the fuzzy keys fit a message that was found, 1 to 100: RFC 6203 §4. */
unsigned char imap_search_match_score(const struct search_message *m,
                                      const struct search_program *p);
/* Reads the outline or the header if that was not done. False: m->err. */
bool imap_search_match_outline(struct search_message *m);
bool imap_search_match_header(struct search_message *m);

/* Looks for all keys of a kind in one pass through the header or the body, a step at a time, so that neither a
 * large message nor many keys hold the loop. */
struct search_scan {
    struct search_program *program; /* borrowed */
    enum { SCAN_NOTHING, SCAN_HEADER, SCAN_BODY, SCAN_TEXT } pass;
    struct body_text text;
    struct span fields; /* of the header: those left */
    struct span piece;  /* of the text, in which the keys from at on are still to be looked for */
    bool in_piece, last;
    unsigned at;
};
void imap_search_scan_init(struct search_scan *s, struct search_program *p);
void imap_search_scan_fini(struct search_scan *s);
/* A new message: what no scan has to find out is answered. */
void imap_search_scan_reset(struct search_scan *s, struct search_message *m);
/* One step of the pass that answers that scan, which begins if another one or none was going on. */
void imap_search_scan_step(struct search_scan *s, struct search_message *m, unsigned scan);
