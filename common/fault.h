#pragma once /* common/fault.h: an error is a kind for the code and a line for people */

/* Short and closed: each protocol has a table from kind to reply, and a test walks it for holes. */
enum err {
    ERR_OK,
    ERR_NOTFOUND, /* what was named is not there (any more) */
    ERR_EXISTS,   /* what was to be made is there already */
    ERR_DENIED,   /* there, but not for this actor */
    ERR_INVALID,  /* the request makes no sense: bad name, bad value */
    ERR_LIMIT,    /* a limit of ours refuses; the text names it */
    ERR_QUOTA,    /* the mailbox or account is full */
    ERR_FULL,     /* the disk is full or below the low-water mark: try later */
    ERR_BUSY,     /* a queue of ours is full, or we are stopping: try later */
    ERR_IO,       /* the disk or the system failed */
    ERR_CORRUPT,  /* what is stored breaks an invariant */
    ERR_COUNT
};

#define FAULT_TEXT_BYTES 320

/* The caller's own, made with FAULT_NONE. The text is for the log, never for a peer. */
struct fault {
    enum err kind;
    char text[FAULT_TEXT_BYTES];
};
#define FAULT_NONE ((struct fault){ERR_OK, ""})

/* Sets the kind and the text (cut at FAULT_TEXT_BYTES) and returns the kind, so that `return fault_set(...)`
 * ends a function. f may be NULL where the caller does not want the text. */
enum err fault_set(struct fault *f, enum err kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Puts "fmt: " before the text as the fault climbs; returns f->kind. f must not be NULL. */
enum err fault_in(struct fault *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "NOTFOUND" and so on, for logs. */
const char *fault_name(enum err kind);
