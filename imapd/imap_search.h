#pragma once /* imapd/imap_search.h: a SEARCH as a program, and one message held against it */
#include "common/buf.h"
#include "imapd/imap_session.h"
#include "message/charset.h"
#include "message/outline.h"
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
    struct search_key *next;  /* and: the rest of the list */
    struct search_key *a, *b; /* the list of a group; both sides of OR */
    unsigned cost;            /* its own kind, or the dearest kind within */
    uint32_t flag;            /* of enum flags_system; set: must be set */
    bool set;
    enum search_when when;
    int32_t day; /* days since 1970 */
    uint64_t number;
    struct span name; /* keyword; header field */
    struct span text; /* folded, fold_key */
    const struct uidset *uids;
    unsigned scan; /* HEADER, BODY and TEXT: which of the program's scans */
};

enum search_return {
    SEARCH_MIN = 1,
    SEARCH_MAX = 2,
    SEARCH_COUNT = 4,
    SEARCH_LIST = 8,
    SEARCH_SAVE = 16
};
#define SEARCH_SCAN_COUNT 1000 /* HEADER, BODY and TEXT keys in one program */
#define SEARCH_SET_COUNT 64    /* sets in one program */

struct search_program {
    struct search_key *keys;
    bool extended;    /* RETURN was given: ESEARCH, RFC 9051 §6.4.4 */
    unsigned returns; /* of enum search_return */
    bool keyword;     /* a keyword is asked for */
    bool modseq;      /* a MODSEQ key: the result tells the highest, RFC 7162 §3.1.5 */
    unsigned scans;
    const struct search_key *scan_keys[SEARCH_SCAN_COUNT];
    struct uidset sets[SEARCH_SET_COUNT]; /* freed by imap_search_parse_end */
    unsigned set_count;
    bool bad_charset;
};
/* To the end of s. */
void imap_search_parse(struct scan *s, struct arena *a, struct imap_view *v,
                       struct search_program *out);
void imap_search_parse_end(struct search_program *p);

enum search_answer { SEARCH_NO, SEARCH_YES, SEARCH_NEEDS_SCAN };

/* One message; what is read of it is kept until the next. */
struct search_message {
    struct txn *t;
    struct imap_view *view;
    struct arena *arena; /* reset for each message */
    const struct msg *msg;
    bool have_outline, have_header;
    struct buf record, header;
    struct outline outline;
    enum search_answer scanned[SEARCH_SCAN_COUNT]; /* SEARCH_NEEDS_SCAN: not looked at yet */
    enum err err;
    struct fault fault;
};
/* SEARCH_NEEDS_SCAN: *scan_out has to be looked for in the body first. An error is in m->err,
 * the answer NO then. */
enum search_answer imap_search_match(struct search_message *m, const struct search_key *keys,
                                     unsigned *scan_out);
/* Reads the outline or the header if that was not done. False: m->err. */
bool imap_search_match_outline(struct search_message *m);
bool imap_search_match_header(struct search_message *m);
/* Any of these header fields (name empty: all) holds the folded key; an empty key: the field is
 * there. a is scratch: it is reset for each field. */
bool imap_search_match_field(struct arena *a, struct span header, struct span name,
                             struct span key);

/* Looks for one key in the header or the body, a field list or a chunk at a time, so that neither a
 * large message nor many keys hold the loop. */
struct search_scan {
    bool running;
    const struct search_key *key;
    uint32_t part;
    bool in_part, hit;
    uint64_t at, end;
    struct encode_decoder decoder;
    struct charset *charset;
    struct buf raw, decoded, utf8, folded;
};
void imap_search_scan_init(struct search_scan *s);
void imap_search_scan_fini(struct search_scan *s);
void imap_search_scan_begin(struct search_scan *s, const struct search_key *key);
/* One chunk more. SEARCH_NEEDS_SCAN: not done yet. */
enum search_answer imap_search_scan_more(struct search_scan *s, struct search_message *m);
