#pragma once /* imapd/imap_append_parse.h: what stands between the literals of APPEND and REPLACE */
#include "common/arena.h"
#include "common/scan.h"
#include "message/date.h"
#include "store/flags.h"

/* The text comes in pieces, each ended by the announcement of a literal or by the end of the command. */
enum imap_append_where {
    IMAP_APPEND_BEGIN, /* before a message, or at the end of all */
    IMAP_APPEND_DATA,  /* behind its flags and date */
    IMAP_APPEND_WHOLE, /* behind the literal that is all of it */
    IMAP_APPEND_UTF8,  /* behind the literal of UTF8 ( */
    IMAP_APPEND_PART,  /* behind a part */
};
enum imap_append_what {
    IMAP_APPEND_MESSAGE, /* one begins, with these flags and that date */
    IMAP_APPEND_LITERAL, /* the announced literal belongs to it; a new piece of text is needed behind it */
    IMAP_APPEND_URL,    /* so do the bytes of that URL, RFC 4469 §5 */
    IMAP_APPEND_ENDED,  /* it has all its parts */
    IMAP_APPEND_ALL,    /* the command has ended */
    IMAP_APPEND_SYNTAX, /* or makes no sense: in.why */
};
struct imap_append_parse {
    struct scan in;
    bool literal; /* one is announced behind in */
    enum imap_append_where where;
};
/* What an item says lies in the text or in the arena. */
struct imap_append_item {
    struct flags_wanted flags;
    bool dated;
    struct date date;
    struct span url;
};
enum imap_append_what imap_append_parse_next(struct imap_append_parse *p, struct arena *a,
                                             struct imap_append_item *out);
