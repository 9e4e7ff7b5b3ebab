#pragma once /* imapd/imap_fetch.h: what a FETCH asks for, and how far it has come */
#include "common/buf.h"
#include "imapd/imap_session.h"
#include "message/outline.h"
#include "store/msg.h"

enum fetch_kind {
    FETCH_UID,
    FETCH_FLAGS,
    FETCH_INTERNALDATE,
    FETCH_SIZE,
    FETCH_MODSEQ,
    FETCH_SAVEDATE, /* RFC 8514 */
    FETCH_EMAILID,  /* RFC 8474 */
    FETCH_THREADID,
    FETCH_ENVELOPE, /* from here on the outline is needed, but for a whole message */
    FETCH_BODYSTRUCTURE,
    FETCH_BODY,
    FETCH_PREVIEW,    /* RFC 8970 */
    FETCH_SECTION,    /* BODY[...], and the RFC822 items */
    FETCH_BINARY,     /* BINARY[...] */
    FETCH_BINARY_SIZE /* BINARY.SIZE[...] */
};
/* section-spec = section-msgtext / (section-part ["." section-text])    RFC 9051 §9 */
enum fetch_text {
    FETCH_WHOLE,
    FETCH_HEADER,
    FETCH_FIELDS,
    FETCH_FIELDS_NOT,
    FETCH_TEXT,
    FETCH_MIME
};

struct fetch_item {
    enum fetch_kind kind;
    struct span label;       /* what the response calls it, section and origin octet included */
    const uint32_t *numbers; /* of the part */
    size_t number_count;
    enum fetch_text text;
    const struct span *fields; /* of HEADER.FIELDS */
    size_t field_count;
    bool partial;
    uint64_t from, max_bytes; /* of <from.max> */
};
struct fetch_items {
    struct fetch_item *list;
    size_t n;
    bool sets_seen;          /* one of them is not PEEK, RFC 9051 §6.4.5 */
    bool uid, flags, modseq; /* these are among them */
    bool outline;            /* one of them needs the outline */
    bool conditional;        /* RFC 7162 §3.1.4.1: */
    uint64_t changedsince;
    bool vanished; /* RFC 7162 §3.2.6 */
    /* PARTIAL, RFC 9394 §3.3: these of the messages, from 1; from_end: from the last one back. 0: all */
    bool from_end;
    uint32_t partial_first, partial_last;
};

/* fetch-att or a macro or a list of them, and the modifiers behind; to the end of s. */
void imap_fetch_parse(struct scan *s, struct arena *a, bool uid, struct fetch_items *out);

/* "(" fetch-att *(SP fetch-att) ")"    RFC 5465 §8; spans in out point into s. */
void imap_fetch_parse_list(struct scan *s, struct arena *a, struct fetch_items *out);

/* The same items of messages that arrive, outside of a command: c is not the session's but one for this alone, with an arena;
 * it ends with imap_cmd_end. uids is copied. To be called until it is done; *mid: a response stands half said, nothing else may
 * be sent. ERR_INVALID is none: that item is left out. */
void imap_fetch_news(struct imap_cmd *c, const struct fetch_items *items,
                     const struct uidset *uids);
enum err imap_fetch_news_more(struct imap_cmd *c, bool *done, bool *mid, struct fault *f);

/* A data item of the row or of the outline, with its label, to out. o may be unset where the kind needs none. */
struct imap_view;
void imap_fetch_row_item(const struct imap_view *v, const struct msg *m, const struct outline *o,
                         const struct fetch_item *item, struct arena *a, struct buf *out);

/* Bytes of one message that go out as a literal, now or over many turns. */
struct fetch_bytes {
    uint64_t at, end;              /* of the body in the store */
    struct encode_decoder decoder; /* of a BINARY item */
    uint64_t skip, left;           /* decoded bytes: before the partial, and still to send */
    bool decode;
};

/* Writes label and value of one body item to out. True: bytes of the message follow, as *bytes
 * says: send them before anything else. ERR_INVALID: the transfer encoding is not known
 * (UNKNOWN-CTE). */
enum err imap_fetch_body(struct txn *t, const struct msg *m, const struct outline *o,
                         const struct fetch_item *item, struct buf *out, struct fetch_bytes *bytes,
                         bool *follow, struct fault *f);
/* The next helping of them into out. */
enum err imap_fetch_body_more(struct txn *t, uint64_t blob, struct fetch_bytes *bytes,
                              struct buf *out, struct fault *f);
