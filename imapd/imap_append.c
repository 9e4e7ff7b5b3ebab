#include "common/clock.h"
#include "common/log.h"
#include "message/outline.h"
#include "imapd/imap_input.h"
#include "imapd/imap_parse.h"
#include "imapd/imap_reach.h"
#include "imapd/imap_session.h"
#include "imapd/imap_verbs.h"
#include "store/blob.h"
#include "store/mailbox.h"
#include "store/msg.h"

#include <inttypes.h>

/* One message on its way in; in the command's arena, the writer and the parser are ended by
 * cleanup. */
struct imap_append {
    struct blob_writer *writer;
    struct outline_parser *outline;
    struct buf record; /* of the outline, when all is there */
    struct span name;
    struct flags_wanted flags;
    struct date date;
    bool binary; /* literal8 */
    bool nul;    /* a NUL came in a plain literal */
    bool held, ended, put;
    uint64_t bytes;
    uint32_t uidvalidity, uid; /* of the new message */
    bool no_mailbox;
};

static void imap_append_cleanup(struct imap_cmd *c)
{
    struct imap_append *a = c->state;
    outline_free(&a->outline);
    blob_end(&a->writer, a->put);
    buf_fini(&a->record);
}

/* append = "APPEND" SP mailbox [SP flag-list] [SP date-time] SP literal    RFC 9051 §6.3.12; the
 * literal is announced behind this */
static void imap_append_scan(struct imap_cmd *c, struct imap_append *a)
{
    struct scan *in = &c->args;
    a->name = imap_parse_mailbox(in, c->arena, imap_session_utf8(c->session));
    imap_parse_sp(in);
    if (scan_peek(in) == '(') {
        a->flags = imap_parse_flags(in, c->arena);
        imap_parse_sp(in);
    }
    if (scan_peek(in) == '"') {
        a->date = imap_parse_date_time(in);
        imap_parse_sp(in);
    } else {
        a->date.utc = clock_wall();
        a->date.zone_minutes = clock_zone_minutes(a->date.utc);
    }
    scan_end(in, "Expected a literal");
}

static enum step imap_append_said(struct imap_cmd *c);

static enum err imap_append_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    struct imap_append *a = imap_cmd_of_op(op)->state;
    struct mailbox box;
    uint64_t blob;
    a->no_mailbox = false;
    enum err e = imap_reach(imap_cmd_of_op(op)->session, t, imap_cmd_of_op(op)->arena, a->name,
                            ACL_INSERT, &box, f);
    if (e != ERR_OK) {
        a->no_mailbox = e == ERR_NOTFOUND;
        return e;
    }
    a->uidvalidity = box.uidvalidity;
    e = blob_put(t, a->writer, buf_span(&a->record), 1, &blob, f);
    if (e != ERR_OK)
        return e;
    const struct msg_new m = {
        .blob = blob, .bytes = a->bytes, .internal = a->date, .flags = a->flags};
    return msg_append(t, box.id, &m, &a->uid, f);
}

/* Everything is with the writer; the last of its chunks that went ahead may still be on the way
 * to the disk. */
static enum step imap_append_put(struct imap_cmd *c)
{
    struct imap_append *a = c->state;
    struct fault f = FAULT_NONE;
    blob_seal(a->writer);
    enum err e = blob_state(a->writer, &f);
    if (e != ERR_OK)
        return imap_reply_err(c, e, &f);
    if (blob_in_flight(a->writer)) {
        c->more = imap_append_put;
        a->ended = true;
        return STEP_WAIT;
    }
    a->ended = false;
    return imap_cmd_submit(c, imap_append_apply, imap_append_said);
}

static enum step imap_append_said(struct imap_cmd *c)
{
    struct imap_append *a = c->state;
    if (c->op_result == ERR_NOTFOUND && a->no_mailbox)
        return imap_reply_no(c, "TRYCREATE", "There is no such mailbox");
    if (c->op_result != ERR_OK)
        return imap_reply_err(c, c->op_result, &c->op.fault);
    a->put = true;
    return imap_reply_ok(
        c, arena_printf(c->arena, "APPENDUID %" PRIu32 " %" PRIu32, a->uidvalidity, a->uid).p,
        "Append completed");
}

static enum step imap_append_ended(struct imap_cmd *c)
{
    struct imap_append *a = c->state;
    if (a->nul)
        return imap_reply_bad(c, "NUL in a message that is not sent as literal8");
    if (!a->bytes)
        return imap_reply_no(c, "CANNOT", "A message of no bytes is not kept");
    outline_end(a->outline, &a->record);
    return imap_append_put(c);
}

/* The writer has room again, or nothing in flight any more. */
static void imap_append_ready(void *arg)
{
    struct imap_cmd *c = arg;
    struct imap_append *a = c->state;
    if (a->ended && !blob_in_flight(a->writer)) {
        a->ended = false;
        imap_session_resume(c->session);
    } else if (a->held && !blob_busy(a->writer)) {
        a->held = false;
        imap_input_release(c->session);
    }
}

static bool imap_append_bytes(struct imap_cmd *c, struct span piece)
{
    struct imap_append *a = c->state;
    if (!a->binary && piece.n && memchr(piece.p, '\0', piece.n))
        a->nul = true;
    a->bytes += piece.n;
    if (!a->nul) {
        blob_write(a->writer, piece);
        outline_feed(a->outline, piece);
    }
    a->held = blob_busy(a->writer);
    return a->held;
}

/* What is known to fail fails before "+" and before a byte is sent. */
static enum step imap_append_check(struct imap_cmd *c, const struct imap_append *a, uint64_t bytes,
                                   bool *ok)
{
    struct imap_session *s = c->session;
    struct fault f = FAULT_NONE;
    struct txn *t = NULL;
    struct mailbox box;
    *ok = false;
    if (bytes > s->options->limits.message_bytes)
        return imap_reply_no(c, "TOOBIG",
                             "The message is larger than APPENDLIMIT"); /* RFC 7889 §4 */
    if (store_is_low(s->options->store))
        return imap_reply_err(c, ERR_FULL, NULL);
    enum err e = txn_read(s->options->store, &t, &f);
    if (e == ERR_OK)
        e = imap_reach(s, t, c->arena, a->name, ACL_INSERT, &box, &f);
    txn_read_end(&t);
    if (e == ERR_NOTFOUND)
        return imap_reply_no(c, "TRYCREATE", "There is no such mailbox");
    if (e != ERR_OK)
        return imap_reply_err(c, e, &f);
    *ok = true;
    return STEP_WAIT;
}

enum step imap_append(struct imap_cmd *c)
{
    struct imap_session *s = c->session;
    struct imap_append *a = arena_new_of(c->arena, struct imap_append);
    bool ok;
    imap_append_scan(c, a);
    if (scan_ok(&c->args) && !s->input->announced)
        scan_fail(&c->args, "Expected a literal");
    if (!scan_ok(&c->args))
        return imap_reply_bad(c, c->args.why);
    enum step step = imap_append_check(c, a, s->input->message.bytes, &ok);
    if (!ok)
        return step;
    a->name = arena_keep(c->arena, a->name);
    a->binary = s->input->message.binary;
    buf_init(&a->record, OUTLINE_RECORD_MAX);
    a->writer = blob_begin(s->options->store, loop_post(s->loop), imap_append_ready, c);
    a->outline = outline_new(&outline_limits_default);
    c->state = a;
    c->cleanup = imap_append_cleanup;
    imap_input_message(c, (struct imap_input_sink){imap_append_bytes, imap_append_ended});
    return STEP_WAIT;
}
