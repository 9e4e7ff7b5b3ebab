#pragma once /* imapd/imap_cmd.h: the command that runs now */
#include "common/arena.h"
#include "common/scan.h"
#include "store/committer.h"

/* What a verb, or the continuation of one, says happens next. */
enum step {
    STEP_DONE,  /* the tagged reply is staged; the next command may start */
    STEP_WAIT,  /* something is under way; its completion calls imap_session_resume */
    STEP_MORE,  /* cmd.more is called again: when there is room, or in the next turn */
    STEP_CLOSE, /* say goodbye: close once the output has left */
};

struct imap_cmd;
struct imap_session;
struct imap_verb;
typedef enum step imap_step_fn(struct imap_cmd *c);

/* A session has at most one command under way. Everything in it dies with the command. */
struct imap_cmd {
    struct imap_session *session;
    struct arena *arena; /* reset when the command ends */
    struct span tag;
    const struct imap_verb *verb;
    bool uid;         /* came with the UID prefix */
    struct scan args; /* behind the verb and its space, complete, literals inline ("{3}\r\nabc") */
    imap_step_fn *more; /* continuation for STEP_MORE and after STEP_WAIT */
    void *state;        /* the verb's own, in the arena */
    struct store_op op; /* the verb's operation, for committer_submit; see imap_cmd_submit */
    enum err op_result; /* valid when more is called after the operation */
    uint64_t
        progress_ms; /* of clock_ms: the next sign of life, imapd/imap_progress.h; 0: not begun */
    struct {
        const char *kind, *code, *text;
    } reply; /* the tagged one, while the news before it go out */
    /* NULL, or frees what state holds outside the arena; called once at the end */
    void (*cleanup)(struct imap_cmd *c);
};

/* Submits c->op with apply; when it is on disk (or has failed) c->op_result is set (op.fault has
 * the text) and `then` runs. Returns STEP_WAIT. Everything that apply reads or writes must lie
 * in c->arena or c->state: it stays until then even if the connection ends. */
enum step imap_cmd_submit(struct imap_cmd *c,
                          enum err (*apply)(struct txn *t, struct store_op *op, struct fault *f),
                          imap_step_fn *then);
/* The command around an operation. */
struct imap_cmd *imap_cmd_of_op(struct store_op *op);
/* For a long command: true when it should return STEP_MORE now: the slice is over or the output
 * has no room. */
bool imap_cmd_should_yield(struct imap_cmd *c);
/* Cleanup, then back to nothing: what imap_session does when a command has ended. */
void imap_cmd_end(struct imap_cmd *c);
