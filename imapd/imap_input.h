#pragma once /* imapd/imap_input.h: framing: bytes of the client become complete commands */
#include "common/buf.h"
#include "imapd/imap_cmd.h"

/* A literal as its announcement tells, RFC 9051 §9 literal and literal8. */
struct imap_input_literal {
    uint64_t bytes;
    bool plus;   /* {n+}: the client does not wait for "+", RFC 7888 */
    bool binary; /* ~{n}: may hold NULs, RFC 3516 §7 */
};

/* Where the messages of APPEND and REPLACE go. */
struct imap_input_sink {
    /* Bytes of the literal, all to be taken. True: no more for now, until imap_input_release. */
    bool (*bytes)(struct imap_cmd *c, struct span piece);
    /* All bytes of the literal are there, and the text behind it: up to the announcement of the next one, or (next is NULL)
     * to the end of the command. text is borrowed until imap_input_message; small literals are inline in it. */
    enum step (*text)(struct imap_cmd *c, struct span text, const struct imap_input_literal *next);
};
/* A line that a running command waits for, without its line end. */
typedef enum step imap_input_line_fn(struct imap_cmd *c, struct span line);

/* The reader eats bytes and may put another in its place. Private but for what the functions
 * say. */
struct imap_input {
    size_t (*expect)(
        struct imap_session *s,
        struct span
            in);     /* returns how many it took; 0: none until somebody calls imap_input_release */
    struct buf text; /* the command so far, literals inline; borrowed until its end */
    size_t line_at;  /* where its present line begins */
    struct buf line; /* a line for the running command, or what stands between two literals of it */
    size_t part_at;  /* where the present line of the latter begins */
    uint64_t want;   /* bytes of a literal still to come */
    size_t ate;      /* of this turn's bytes, before the present reader */
    unsigned commands;   /* seen so far */
    const char *refused; /* why the command will not be run; its bytes are skipped */
    bool toobig;         /* it is refused for its size */
    bool literal8;       /* the literal that comes may hold NULs */
    bool nul;            /* a NUL stood in a literal */
    bool held;           /* the sink wants no more */
    bool claimed;        /* APPEND takes that literal: */
    bool announced; /* the command so far ends in the announcement of a message or a part of one: */
    struct imap_input_literal message;
    struct imap_input_sink sink;
    imap_input_line_fn *line_fn;
};

struct imap_input *imap_input_new(struct imap_session *s);
void imap_input_free(struct imap_input **in);
/* The running command has ended: whatever of it has still to come is skipped, then the next one
 * begins. */
void imap_input_next(struct imap_session *s);
/* Nothing is under way: gives memory back. */
void imap_input_trim(struct imap_input *in);
/* True if the reader can take bytes now. */
bool imap_input_ready(const struct imap_session *s);

/* For a running command, before it returns STEP_WAIT: fn gets the next line (IDLE,
 * AUTHENTICATE). */
void imap_input_line(struct imap_cmd *c, imap_input_line_fn *fn);
/* The announced literal comes now; "+" is said if the client waits for it. */
void imap_input_message(struct imap_cmd *c, struct imap_input_sink sink);
/* The sink takes bytes again. */
void imap_input_release(struct imap_session *s);

/* The announcement at the end of line (without its line end), if it is one. 1: yes, the line
 * ends at *at before it; 0: an ordinary line; -1: a literal too large to be counted. */
int imap_input_announced(struct span line, struct imap_input_literal *out, size_t *at);
