#include "imapd/imap_append.h"

#include "common/clock.h"
#include "common/log.h"
#include "message/outline.h"
#include "imapd/imap_append_parse.h"
#include "imapd/imap_catenate.h"
#include "imapd/imap_input.h"
#include "imapd/imap_parse.h"
#include "imapd/imap_reach.h"
#include "imapd/imap_session.h"
#include "imapd/imap_verbs.h"
#include "store/blob.h"
#include "store/mailbox.h"
#include "store/msg.h"
#include "store/quota.h"

#include <inttypes.h>

/* Room: APPEND with one message or many (RFC 9051 §6.3.12, RFC 3502), in pieces or whole (RFC 4469), and what REPLACE
 * shares with it. Bodies stream to the store as they come; one operation makes messages of them, or nothing does. */

#define IMAP_APPEND_TAILS_BYTES                                                                    \
    (256u << 10) /* ends of bodies that wait for the operation; later ones go ahead */
#define IMAP_APPEND_FLYING_COUNT 64 /* bodies with chunks on their way to the disk */
#define IMAP_APPEND_RECORDS_BYTES                                                                  \
    (32u << 20) /* outlines kept until the operation, but for the first one */
#define IMAP_APPEND_WORDS_BYTES (8u << 20) /* flags likewise, and what else the arena holds */

struct imap_append;
struct append_message {
    struct append_message *next;
    struct imap_append *all;
    struct blob_writer *writer;
    struct buf record; /* of the outline, when all is there */
    struct flags_wanted flags;
    struct date date;
    uint64_t bytes;
    bool flying; /* chunks are on their way to the disk */
};

/* Where the message's header stands. */
enum append_header {
    APPEND_FIRST_LINE,
    APPEND_LINE, /* at the beginning of one */
    APPEND_NAME,
    APPEND_VALUE,
    APPEND_NO_HEADER /* it has ended */
};

enum append_waits {
    APPEND_FOR_NOTHING,
    APPEND_FOR_ROOM,   /* of the present writer */
    APPEND_FOR_FLYING, /* fewer of them */
    APPEND_FOR_LANDING /* all of them */
};

/* In the command's arena; what lies outside it is ended by cleanup. */
struct imap_append {
    struct imap_cmd *cmd;
    struct span name;
    uint32_t replaced_uid; /* 0: APPEND */
    struct imap_append_parse parse;
    const struct imap_input_literal *literal; /* announced behind the present text */
    struct arena *scratch;                    /* for one item of the text */
    bool checked;                             /* the mailbox is there: */
    uint64_t account;                         /* it belongs to this one */
    /* all messages, and the present one */
    struct append_message *first, *last;
    unsigned count;
    uint64_t total_bytes;
    size_t tails_bytes, records_bytes;
    unsigned flying;
    enum append_waits waits;
    bool held; /* the input waits for the writer */
    struct imap_append_item item;
    struct append_message *now;
    struct outline_parser *outline;
    struct imap_catenate part; /* of the present URL */
    struct buf helping;
    bool worked;   /* the store was read in this turn: it may be time for others */
    bool nul;      /* a NUL came in a plain literal */
    bool literal8; /* the present literal may hold them */
    enum append_header header;
    bool eight_bit; /* a field of it holds such bytes */
    /* what the operation found */
    bool put, no_mailbox, no_message;
    uint32_t uidvalidity, uid; /* of the first one made */
};

static void imap_append_cleanup(struct imap_cmd *c)
{
    struct imap_append *a = c->state;
    outline_free(&a->outline);
    for (struct append_message *m = a->first; m; m = m->next) {
        blob_end(&m->writer, a->put);
        buf_fini(&m->record);
    }
    buf_fini(&a->helping);
    arena_free(&a->scratch);
}

static enum step imap_append_go(struct imap_cmd *c);

/* --- the operation --- */

static enum err imap_append_one(struct txn *t, void *arg, size_t i, struct msg_new *out,
                                struct fault *f)
{
    struct append_message **at = arg, *m = *at;
    (void)i; /* they come in order */
    *at = m->next;
    *out = (struct msg_new){.bytes = m->bytes, .internal = m->date, .flags = m->flags};
    return blob_put(t, m->writer, buf_span(&m->record), 1, &out->blob, f);
}

/* Of what replaces a message in the same account only the difference counts: RFC 8508 §3.4 */
static enum err imap_append_quota(struct txn *t, struct imap_append *a, const struct mailbox *box,
                                  struct fault *f)
{
    struct quota_amount more = {a->total_bytes, a->count, 0};
    struct mailbox from;
    struct msg old;
    if (a->replaced_uid) {
        struct arena *scratch = arena_new();
        uint64_t selected = a->cmd->session->view->mailbox;
        if (mailbox_get(t, NULL, selected, &from, NULL) == ERR_OK && from.account == box->account &&
            msg_get(t, scratch, selected, a->replaced_uid, &old, NULL) == ERR_OK) {
            more.bytes -= old.bytes < more.bytes ? old.bytes : more.bytes;
            more.messages = 0;
        }
        arena_free(&scratch);
    }
    return quota_allows(t, box->account, &more, f);
}

static enum err imap_append_replaced(struct txn *t, struct imap_append *a, struct fault *f)
{
    struct imap_session *s = a->cmd->session;
    struct uidset_range r = {a->replaced_uid, a->replaced_uid};
    struct uidset one = {.ranges = &r, .n = 1, .cap = 1}, gone = {0};
    enum err e = imap_reach_selected(s, t, ACL_DELETE | ACL_EXPUNGE, f);
    if (e == ERR_OK)
        e = msg_expunge(t, s->view->mailbox, &one, false, &gone, f);
    if (e == ERR_OK && uidset_empty(&gone))
        e = fault_set(f, ERR_NOTFOUND, "the message to be replaced is gone");
    a->no_message = e == ERR_NOTFOUND;
    uidset_fini(&gone);
    return e;
}

static enum err imap_append_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    struct imap_cmd *c = imap_cmd_of_op(op);
    struct imap_append *a = c->state;
    struct mailbox box;
    /* The row's name goes elsewhere: c->arena would grow with each repetition. */
    struct arena *scratch = arena_new();
    a->no_message = false;
    enum err e = imap_reach(c->session, t, scratch, a->name, ACL_INSERT, &box, f);
    arena_free(&scratch);
    a->no_mailbox = e == ERR_NOTFOUND;
    if (e != ERR_OK)
        return e;
    a->uidvalidity = box.uidvalidity;
    e = imap_append_quota(t, a, &box, f);
    if (e == ERR_OK && a->replaced_uid)
        e = imap_append_replaced(t, a, f);
    struct append_message *at = a->first;
    return e == ERR_OK ? msg_append_all(t, box.id, a->count, imap_append_one, &at, &a->uid, f) : e;
}

static enum step imap_append_said(struct imap_cmd *c)
{
    struct imap_append *a = c->state;
    if (c->op_result == ERR_NOTFOUND && a->no_mailbox)
        return imap_reply_no(c, "TRYCREATE", "There is no such mailbox");
    if (c->op_result == ERR_NOTFOUND && a->no_message)
        return imap_reply_no(c, "EXPUNGEISSUED", "The message to be replaced is gone");
    if (c->op_result != ERR_OK)
        return imap_reply_err(c, c->op_result, &c->op.fault);
    a->put = true;
    struct span code =
        arena_printf(c->arena, "APPENDUID %" PRIu32 " %" PRIu32, a->uidvalidity, a->uid);
    if (a->count > 1)
        code = arena_printf(c->arena, "%s:%" PRIu32, code.p, a->uid + a->count - 1);
    const char *text = code.p;
    if (!a->replaced_uid)
        return imap_reply_ok(c, text, "Append completed");
    imap_outf(c->session, "* OK [%s] Replacement Message ready\r\n", text); /* RFC 8508 §4.3 */
    return imap_reply_ok(c, NULL, "Replace completed");
}

/* --- the disk --- */

static void imap_append_count(struct append_message *m)
{
    bool flying = blob_in_flight(m->writer);
    if (flying != m->flying)
        m->all->flying += flying ? 1 : -1u;
    m->flying = flying;
}

static enum step imap_append_wait(struct imap_append *a, enum append_waits what, imap_step_fn *then)
{
    a->waits = what;
    a->cmd->more = then;
    return STEP_WAIT;
}

/* A chunk of m is on the disk, or will never be. */
static void imap_append_ready(void *arg)
{
    struct append_message *m = arg;
    struct imap_append *a = m->all;
    struct imap_session *s = a->cmd->session;
    imap_append_count(m);
    bool room = a->now && !blob_busy(a->now->writer);
    if ((a->waits == APPEND_FOR_ROOM && room) || (a->waits == APPEND_FOR_LANDING && !a->flying) ||
        (a->waits == APPEND_FOR_FLYING && a->flying < IMAP_APPEND_FLYING_COUNT)) {
        a->waits = APPEND_FOR_NOTHING;
        imap_session_resume(s);
    } else if (a->held && room) {
        a->held = false;
        imap_input_release(s);
    }
}

/* All is with the writers; the last chunks that went ahead may still be on their way. */
static enum step imap_append_put(struct imap_cmd *c)
{
    struct imap_append *a = c->state;
    struct fault f = FAULT_NONE;
    for (struct append_message *m = a->first; m; m = m->next) {
        enum err e = blob_state(m->writer, &f);
        if (e != ERR_OK)
            return imap_reply_err(c, e, &f);
    }
    if (a->flying)
        return imap_append_wait(a, APPEND_FOR_LANDING, imap_append_put);
    return imap_cmd_submit(c, imap_append_apply, imap_append_said);
}

/* --- one message --- */

static enum append_header imap_append_line(unsigned char c, bool first)
{
    if (c == '\r')
        return APPEND_LINE;
    if ((c == ' ' || c == '\t') && !first)
        return APPEND_VALUE; /* folded */
    return c > ' ' && c < 0x7f && c != ':' ? APPEND_NAME : APPEND_NO_HEADER;
}

/* Whether fields of the header hold 8-bit bytes. It ends at an empty line, or at one that is no field. */
static void imap_append_look(struct imap_append *a, struct span piece)
{
    for (size_t i = 0; i < piece.n && a->header != APPEND_NO_HEADER; i++) {
        unsigned char c = (unsigned char)piece.p[i];
        switch (a->header) {
        case APPEND_FIRST_LINE:
        case APPEND_LINE:
            a->header = imap_append_line(c, a->header == APPEND_FIRST_LINE);
            break;
        case APPEND_NAME:
            if (c == ':')
                a->header = APPEND_VALUE;
            else if (c >= 0x7f || (c < ' ' && c != '\t'))
                a->header = APPEND_NO_HEADER;
            break;
        case APPEND_VALUE:
            a->eight_bit |= c >= 0x80;
            if (c == '\n')
                a->header = APPEND_LINE;
            break;
        case APPEND_NO_HEADER:
            break;
        }
    }
}

static void imap_append_feed(struct imap_append *a, struct span piece)
{
    a->now->bytes += piece.n;
    imap_append_look(a, piece);
    blob_write(a->now->writer, piece);
    outline_feed(a->outline, piece);
    imap_append_count(a->now);
}

static bool imap_append_bytes(struct imap_cmd *c, struct span piece)
{
    struct imap_append *a = c->state;
    if (!a->literal8 && piece.n && memchr(piece.p, '\0', piece.n))
        a->nul = true;
    if (!a->nul)
        imap_append_feed(a, piece);
    a->held = blob_busy(a->now->writer);
    return a->held;
}

/* Flags are kept without what the parser left free. */
static struct flags_wanted imap_append_flags(struct imap_append *a)
{
    struct flags_wanted w = a->item.flags;
    struct span *names = arena_alloc(a->cmd->arena, w.keyword_count * sizeof *names);
    for (size_t i = 0; i < w.keyword_count; i++)
        names[i] = arena_keep(a->cmd->arena, w.keywords[i]);
    w.keywords = names;
    return w;
}

static void imap_append_open(struct imap_append *a)
{
    struct imap_session *s = a->cmd->session;
    struct append_message *m = arena_new_of(a->cmd->arena, struct append_message);
    m->all = a;
    m->flags = imap_append_flags(a);
    m->date = a->item.date;
    buf_init(&m->record, OUTLINE_RECORD_MAX);
    m->writer = blob_begin(s->options->store, loop_post(s->loop), imap_append_ready, m);
    if (a->last)
        a->last->next = m;
    else
        a->first = m;
    a->last = a->now = m;
    a->outline = outline_new(&outline_limits_default);
    a->header = APPEND_FIRST_LINE;
    a->eight_bit = false;
}

/* NULL, or why the message that has all its parts is not taken. */
static const char *imap_append_against(const struct imap_append *a)
{
    const struct imap_session *s = a->cmd->session;
    if (a->now->bytes == 0) /* also how a client cancels: RFC 3502 §6.3.11 */
        return "A message of no bytes is not kept";
    if (a->eight_bit && !s->options->limits.headers_8bit && !imap_session_utf8(s))
        return "Its header is not ASCII: ENABLE UTF8=ACCEPT or IMAP4rev2 first";
    return NULL;
}

/* What stays in memory until the operation is bounded: the first ends of bodies stay, the others go ahead. */
static void imap_append_seal(struct imap_append *a)
{
    struct append_message *m = a->now;
    outline_end(a->outline, &m->record);
    outline_free(&a->outline);
    a->records_bytes += m->record.n;
    a->total_bytes += m->bytes;
    a->tails_bytes += (size_t)(m->bytes % BLOB_CHUNK_BYTES);
    if (a->tails_bytes > IMAP_APPEND_TAILS_BYTES)
        blob_land(m->writer);
    else
        blob_seal(m->writer);
    imap_append_count(m);
    a->now = NULL;
    a->count++;
}

static enum step imap_append_ended(struct imap_append *a, bool *ok)
{
    struct fault f = FAULT_NONE;
    *ok = false;
    if (a->nul)
        return imap_reply_bad(a->cmd, "NUL in a message that is not sent as literal8");
    const char *why = imap_append_against(a);
    if (why)
        return imap_reply_no(a->cmd, "CANNOT", why);
    enum err e = blob_state(a->now->writer, &f);
    if (e != ERR_OK)
        return imap_reply_err(a->cmd, e, &f);
    imap_append_seal(a);
    if (a->count > 1 && (a->records_bytes > IMAP_APPEND_RECORDS_BYTES ||
                         arena_used(a->cmd->arena) > IMAP_APPEND_WORDS_BYTES))
        return imap_reply_no(a->cmd, "LIMIT", "Too much for one command: send fewer messages");
    *ok = true;
    return STEP_WAIT;
}

/* --- what is known to fail fails before "+" and before a byte is sent --- */

static enum step imap_append_too_big(struct imap_append *a)
{
    return imap_reply_no(a->cmd, "TOOBIG",
                         "The message is larger than APPENDLIMIT"); /* RFC 7889 §4 */
}

static bool imap_append_fits(const struct imap_append *a, uint64_t more)
{
    uint64_t have = a->now ? a->now->bytes : 0;
    uint64_t most = a->cmd->session->options->limits.message_bytes;
    return more <= most && have <= most - more;
}

static enum step imap_append_check(struct imap_append *a, bool *ok)
{
    struct imap_cmd *c = a->cmd;
    struct imap_session *s = c->session;
    struct fault f = FAULT_NONE;
    struct txn *t = NULL;
    struct mailbox box;
    *ok = a->checked;
    if (a->checked)
        return STEP_WAIT;
    if (store_is_low(s->options->store))
        return imap_reply_err(c, ERR_FULL, NULL);
    enum err e = txn_read(s->options->store, &t, &f);
    if (e == ERR_OK)
        e = imap_reach(s, t, c->arena, a->name, ACL_INSERT, &box, &f);
    bool no_target = e == ERR_NOTFOUND;
    if (e == ERR_OK && a->replaced_uid)
        e = imap_reach_selected(s, t, ACL_DELETE | ACL_EXPUNGE, &f);
    txn_read_end(&t);
    if (no_target)
        return imap_reply_no(c, "TRYCREATE", "There is no such mailbox");
    if (e != ERR_OK)
        return imap_reply_err(c, e, &f);
    a->account = box.account;
    *ok = a->checked = true;
    return STEP_WAIT;
}

/* So many bytes more for the present message, or for a new one: more than the quota allows, as far as it is known now? What a
 * replaced message gives back is known to the operation alone. */
static enum step imap_append_room(struct imap_append *a, uint64_t more, bool *ok)
{
    struct imap_session *s = a->cmd->session;
    struct fault f = FAULT_NONE;
    struct txn *t = NULL;
    *ok = false;
    const struct quota_amount all = {a->total_bytes + (a->now ? a->now->bytes : 0) + more,
                                     a->count + 1, 0};
    enum err e = a->replaced_uid ? ERR_OK : txn_read(s->options->store, &t, &f);
    if (t)
        e = quota_allows(t, a->account, &all, &f);
    txn_read_end(&t);
    if (e != ERR_OK)
        return imap_reply_err(a->cmd, e, &f);
    *ok = true;
    return STEP_WAIT;
}

/* A message more: are they too many? */
static enum step imap_append_next(struct imap_append *a, bool *ok)
{
    const struct imapd_limits *l = &a->cmd->session->options->limits;
    unsigned told = l->message_count ? l->message_count : l->save_count; /* RFC 9738 §3.1 */
    *ok = false;
    if (a->replaced_uid && a->count > 0)
        return imap_reply_bad(a->cmd, "One message replaces another");
    if (told && a->count >= told)
        return imap_reply_no(a->cmd, arena_printf(a->cmd->arena, "MESSAGELIMIT %u", told).p,
                             "Too many messages for one command");
    if (a->count >= l->append_count)
        return imap_reply_no(a->cmd, "LIMIT", "Too many messages for one command");
    *ok = true;
    if (!a->item.dated) {
        a->item.date.utc = clock_wall();
        a->item.date.zone_minutes = clock_zone_minutes(a->item.date.utc);
    }
    return STEP_WAIT;
}

/* --- literals and URLs --- */

static enum step imap_append_text(struct imap_cmd *c, struct span text,
                                  const struct imap_input_literal *next)
{
    struct imap_append *a = c->state;
    a->parse.in = scan_of(text);
    a->parse.literal = next != NULL;
    a->literal = next;
    return imap_append_go(c);
}

static enum step imap_append_literal(struct imap_append *a)
{
    bool ok;
    if (!imap_append_fits(a, a->literal->bytes))
        return imap_append_too_big(a);
    enum step step = imap_append_check(a, &ok);
    if (ok)
        step = imap_append_room(a, a->literal->bytes, &ok);
    if (!ok)
        return step;
    if (!a->now)
        imap_append_open(a);
    a->literal8 = a->literal->binary;
    imap_input_message(a->cmd, (struct imap_input_sink){imap_append_bytes, imap_append_text});
    return STEP_WAIT;
}

/* badurl-response-code = "BADURL" SP url-resp-text    RFC 4469 §5 */
static enum step imap_append_bad_url(struct imap_append *a, struct span url)
{
    char *text = arena_cstr(a->cmd->arena, span_to(url, 1000));
    for (char *p = text; *p; p++) {
        if (*p <= ' ' || *p > '~' || *p == ']' || *p == '\\' || *p == '"')
            *p = '?';
    }
    return imap_reply_no(a->cmd, arena_printf(a->cmd->arena, "BADURL %s", *text ? text : "?").p,
                         "This URL names no message of yours, or no part of one");
}

static enum step imap_append_url(struct imap_append *a, bool *ok)
{
    struct imap_session *s = a->cmd->session;
    struct fault f = FAULT_NONE;
    enum step step = imap_append_check(a, ok);
    if (!*ok)
        return step;
    *ok = false;
    a->worked = true;
    enum err e = imap_catenate_open(s, a->scratch, a->item.url, &a->part, &f);
    if (e == ERR_NOTFOUND || e == ERR_INVALID || e == ERR_DENIED)
        return imap_append_bad_url(a, a->item.url);
    if (e != ERR_OK)
        return imap_reply_err(a->cmd, e, &f);
    if (!imap_append_fits(a, a->part.left))
        return imap_append_too_big(a);
    step = imap_append_room(a, a->part.left, ok);
    if (*ok && !a->now)
        imap_append_open(a);
    return step;
}

/* The next helping of a URL's bytes. */
static enum step imap_append_copy(struct imap_append *a, bool *ok)
{
    struct fault f = FAULT_NONE;
    *ok = false;
    if (blob_busy(a->now->writer))
        return imap_append_wait(a, APPEND_FOR_ROOM, imap_append_go);
    a->worked = true;
    enum err e = imap_catenate_more(a->cmd->session, &a->part, &a->helping, &f);
    if (e == ERR_NOTFOUND)
        return imap_append_bad_url(a, a->item.url);
    if (e != ERR_OK)
        return imap_reply_err(a->cmd, e, &f);
    imap_append_feed(a, buf_span(&a->helping));
    *ok = true;
    return STEP_WAIT;
}

/* --- the course of it --- */

/* One item of the text. *ok: go on with the next. */
static enum step imap_append_item(struct imap_append *a, bool *ok)
{
    struct imap_append_item item;
    enum imap_append_what what;
    *ok = false;
    if (a->flying >= IMAP_APPEND_FLYING_COUNT)
        return imap_append_wait(a, APPEND_FOR_FLYING, imap_append_go);
    if (a->parse.where != IMAP_APPEND_DATA)
        arena_reset(a->scratch); /* flags wait for the data behind them */
    what = imap_append_parse_next(&a->parse, a->scratch, &item);
    switch (what) {
    case IMAP_APPEND_MESSAGE:
        a->item = item;
        return imap_append_next(a, ok);
    case IMAP_APPEND_URL:
        a->item.url = item.url;
        return imap_append_url(a, ok);
    case IMAP_APPEND_LITERAL:
        return imap_append_literal(a);
    case IMAP_APPEND_ENDED:
        return imap_append_ended(a, ok);
    case IMAP_APPEND_ALL:
        return imap_append_put(a->cmd);
    case IMAP_APPEND_SYNTAX:
        break;
    }
    return imap_reply_bad(a->cmd, a->parse.in.why);
}

static enum step imap_append_go(struct imap_cmd *c)
{
    struct imap_append *a = c->state;
    for (bool ok = true;;) {
        if (a->worked && imap_cmd_should_yield(c)) {
            a->worked = false;
            c->more = imap_append_go;
            return STEP_MORE;
        }
        enum step step = a->part.left > 0 ? imap_append_copy(a, &ok) : imap_append_item(a, &ok);
        if (!ok)
            return step;
    }
}

enum step imap_append_begin(struct imap_cmd *c, uint32_t replaced_uid)
{
    struct imap_session *s = c->session;
    struct imap_append *a = arena_new_of(c->arena, struct imap_append);
    a->cmd = c;
    a->name = imap_parse_mailbox(&c->args, c->arena, imap_session_utf8(s));
    if (!scan_ok(&c->args))
        return imap_reply_bad(c, c->args.why);
    a->name = arena_keep(c->arena, a->name);
    a->replaced_uid = replaced_uid;
    a->scratch = arena_new();
    buf_init(&a->helping, BLOB_CHUNK_BYTES);
    c->state = a;
    c->cleanup = imap_append_cleanup;
    if (scan_peek(&c->args) == -1)
        return imap_reply_bad(c, "Expected a space");
    a->parse.in = c->args;
    a->literal = s->input->announced ? &s->input->message : NULL;
    a->parse.literal = a->literal != NULL;
    return imap_append_go(c);
}

enum step imap_append(struct imap_cmd *c)
{
    return imap_append_begin(c, 0);
}
