#include "imapd/imap_input.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/must.h"
#include "imapd/imap_session.h"

/* A refused {n+} up to this is read and dropped, a larger one ends the session: RFC 7888 §4. */
#define IMAP_INPUT_SKIP_BYTES (1u << 20)
#define IMAP_INPUT_MINUS_BYTES 4096 /* of a {n+} before authentication: LITERAL-, RFC 7888 §5 */
#define IMAP_INPUT_TAIL_BYTES 32 /* of an over-long line, kept to see whether a literal follows */
#define IMAP_INPUT_TAG_BYTES 64
#define IMAP_INPUT_KEEP_BYTES 4096

static size_t imap_input_command(struct imap_session *s, struct span in);
static size_t imap_input_skip(struct imap_session *s, struct span in);

static size_t imap_input_nothing(struct imap_session *s, struct span in)
{
    (void)s;
    (void)in;
    return 0;
}

static bool imap_input_is_preauth(const struct imap_session *s)
{
    return s->state == IMAP_NONAUTH;
}

static size_t imap_input_line_max(const struct imap_session *s)
{
    const struct imapd_limits *l = &s->options->limits;
    return imap_input_is_preauth(s) ? l->line_preauth_bytes : l->line_bytes;
}

static size_t imap_input_command_max(const struct imap_session *s)
{
    const struct imapd_limits *l = &s->options->limits;
    return imap_input_is_preauth(s) ? l->line_preauth_bytes : l->command_bytes;
}

struct imap_input *imap_input_new(struct imap_session *s)
{
    struct imap_input *in = mem_new(struct imap_input);
    size_t most = s->options->limits.command_bytes + s->options->limits.line_bytes;
    buf_init(&in->text, most);
    buf_init(&in->line, most);
    in->expect = imap_input_command;
    return in;
}

void imap_input_free(struct imap_input **in)
{
    if (*in) {
        buf_fini(&(*in)->text);
        buf_fini(&(*in)->line);
    }
    mem_free(*in);
    *in = NULL;
}

bool imap_input_ready(const struct imap_session *s)
{
    return s->input->expect != imap_input_nothing && !s->input->held;
}

void imap_input_trim(struct imap_input *in)
{
    if (in->text.n == 0)
        buf_trim(&in->text);
    if (in->line.n == 0)
        buf_trim(&in->line);
}

/* Where a new command begins. */
static void imap_input_begin(struct imap_input *in)
{
    if (in->text.cap > IMAP_INPUT_KEEP_BYTES)
        buf_trim(&in->text);
    buf_reset(&in->text);
    buf_reset(&in->line);
    in->line_at = in->part_at = 0;
    in->refused = NULL;
    in->toobig = in->nul = in->held = in->claimed = in->announced = false;
    in->expect = imap_input_command;
}

void imap_input_next(struct imap_session *s)
{
    struct imap_input *in = s->input;
    bool left = in->announced && (in->message.plus || in->claimed);
    if (left && !s->closing) {
        /* Its reply is out; what remains of the message and the line behind it says nothing to
         * anyone. */
        in->refused = "";
        in->held = false;
        buf_reset(&in->text);
        in->line_at = 0;
        in->announced = false;
        if (!in->claimed)
            in->want = in->message.bytes;
        in->expect = in->want > 0 ? imap_input_skip : imap_input_command;
        return;
    }
    imap_input_begin(in);
}

/* --- announcements --- */

/* literal = "{" number64 ["+"] "}" CRLF    literal8 = "~{" number64 ["+"] "}" CRLF    RFC 9051
 * §9 */
int imap_input_announced(struct span line, struct imap_input_literal *out, size_t *at)
{
    size_t end = line.n, i;
    if (end < 3 || line.p[end - 1] != '}')
        return 0;
    end--;
    out->plus = line.p[end - 1] == '+';
    end -= out->plus;
    for (i = end; i > 0 && line.p[i - 1] >= '0' && line.p[i - 1] <= '9'; i--)
        ;
    if (i == end || i == 0 || line.p[i - 1] != '{')
        return 0;
    out->binary = i >= 2 && line.p[i - 2] == '~';
    *at = i - 1 - out->binary;
    return span_u64(span_of(line.p + i, end - i), &out->bytes) && out->bytes <= INT64_MAX ? 1 : -1;
}

/* Takes a word and the space behind it off text. */
static struct span imap_input_word(struct span *text)
{
    size_t n = span_find(*text, ' ');
    struct span word = span_to(*text, n);
    *text = span_from(*text, n < text->n ? n + 1 : n);
    return word;
}

/* text of an APPEND, up to a literal that is the URL of a part: RFC 4469 §5. It is an argument like
 * those of other commands. */
static bool imap_input_is_url(struct span text)
{
    size_t n = text.n;
    return n > 4 && span_eq_ci(span_from(text, n - 4), SPAN("URL ")) &&
           (text.p[n - 5] == ' ' || text.p[n - 5] == '(');
}

/* Whether text (a command up to the announcement of a literal) is an APPEND or a REPLACE with its
 * mailbox: then the literal is a message, or a part of one. */
static bool imap_input_is_append(const struct imap_session *s, struct span text)
{
    if (imap_input_is_preauth(s))
        return false;
    (void)imap_input_word(&text);
    struct span verb = imap_input_word(&text);
    if (span_eq_ci(verb, SPAN("UID")))
        verb = imap_input_word(&text);
    if (span_eq_ci(verb, SPAN("REPLACE")))
        (void)imap_input_word(&text); /* the message that goes */
    else if (!span_eq_ci(verb, SPAN("APPEND")))
        return false;
    return text.n > 0 && (text.p[text.n - 1] == ' ' || text.p[text.n - 1] == '(') &&
           !imap_input_is_url(text);
}

/* RFC 5464 §5: the one command but APPEND and REPLACE with a literal8 among its arguments. */
static bool imap_input_takes_binary(const struct imap_session *s, struct span text)
{
    (void)imap_input_word(&text);
    return !imap_input_is_preauth(s) && span_eq_ci(imap_input_word(&text), SPAN("SETMETADATA"));
}

/* --- commands --- */

static void imap_input_refuse(struct imap_input *in, const char *why, bool toobig)
{
    if (!in->refused) {
        in->refused = why;
        in->toobig = toobig;
    }
}

static struct span imap_input_tag(struct span text)
{
    size_t n = 0;
    while (n < text.n && n < IMAP_INPUT_TAG_BYTES && text.p[n] > ' ' && text.p[n] < 0x7f &&
           text.p[n] != '+' && text.p[n] != '{' && text.p[n] != '"')
        n++;
    return n > 0 && n < text.n && text.p[n] == ' ' ? span_to(text, n) : SPAN("*");
}

/* The whole of a refused command has passed, or as much of it as will come. */
static void imap_input_refused(struct imap_session *s)
{
    struct imap_input *in = s->input;
    if (*in->refused) {
        struct span tag = imap_input_tag(buf_span(&in->text));
        imap_out(s, tag);
        imap_outf(s, " BAD %s%s\r\n", in->toobig ? "[TOOBIG] " : "", in->refused);
        log_event(LOG_DEBUG, s->id.text, "imap.bad", "verb=- why=\"%s\"", in->refused);
        imap_session_bad(s);
    }
    imap_input_begin(in);
}

static void imap_input_complete(struct imap_session *s)
{
    struct imap_input *in = s->input;
    if (in->nul)
        imap_input_refuse(in, "NUL in a command", false);
    if (in->refused) {
        imap_input_refused(s);
        return;
    }
    in->commands++;
    in->expect = imap_input_nothing;
    imap_session_command(s, buf_span(&in->text));
}

static size_t imap_input_literal(struct imap_session *s, struct span in)
{
    struct imap_input *i = s->input;
    struct span part = span_to(in, i->want < SIZE_MAX ? (size_t)i->want : SIZE_MAX);
    if (!i->literal8 && part.n && memchr(part.p, '\0', part.n))
        i->nul = true;
    must(buf_add(&i->text, part)); /* its size was checked when it was announced */
    i->want -= part.n;
    if (i->want == 0) {
        i->line_at = i->text.n;
        i->expect = imap_input_command;
    }
    return part.n;
}

static size_t imap_input_skip(struct imap_session *s, struct span in)
{
    struct imap_input *i = s->input;
    size_t n = in.n < i->want ? in.n : (size_t)i->want;
    i->want -= n;
    if (i->want == 0)
        i->expect = imap_input_command;
    return n;
}

/* The literal of a command that is refused. */
static void imap_input_refused_literal(struct imap_session *s, const struct imap_input_literal *l)
{
    struct imap_input *in = s->input;
    /* Of an APPEND that has had its reply, messages may follow. */
    uint64_t most = *in->refused ? IMAP_INPUT_SKIP_BYTES : s->options->limits.message_bytes;
    if (!l->plus) {
        imap_input_refused(s); /* without "+" the client sends neither the literal nor the rest */
    } else if (l->bytes > most) {
        imap_reply_bye(s, "[TOOBIG] Literal too large");
    } else {
        in->want = l->bytes;
        in->expect = l->bytes ? imap_input_skip : imap_input_command;
        if (in->line_at == 0) /* of the first line its tag stays */
            in->line_at = imap_input_tag(buf_span(&in->text)).n + 1;
        in->text.n = in->line_at;
    }
}

/* A line ends in the announcement of a literal, which stands at `at` in the text. */
static void imap_input_announce(struct imap_session *s, struct imap_input_literal *l, size_t at)
{
    struct imap_input *in = s->input;
    const struct imapd_limits *limits = &s->options->limits;
    if (!in->refused && !in->nul && imap_input_is_append(s, span_to(buf_span(&in->text), at))) {
        in->announced = true;
        in->message = *l;
        in->text.n = at;
        imap_input_complete(s);
        return;
    }
    if (l->binary && !imap_input_takes_binary(s, buf_span(&in->text)))
        imap_input_refuse(in, "literal8 is for APPEND and SETMETADATA", false);
    if (l->plus && l->bytes > IMAP_INPUT_MINUS_BYTES && imap_input_is_preauth(s))
        imap_input_refuse(in, "Literal too large", true);
    if (l->bytes > limits->literal_bytes || l->bytes > imap_input_command_max(s) ||
        in->text.n + l->bytes > imap_input_command_max(s))
        imap_input_refuse(in, "Literal too large", true);
    if (in->refused) {
        imap_input_refused_literal(s, l);
        return;
    }
    must(buf_add(&in->text, SPAN("\r\n")));
    in->line_at = in->text.n;
    in->want = l->bytes;
    in->literal8 = l->binary;
    in->expect = l->bytes ? imap_input_literal : imap_input_command;
    if (!l->plus)
        imap_out(s, SPAN("+ OK\r\n"));
}

/* A line stands in the text from line_at on, without its line end. */
static void imap_input_line_ended(struct imap_session *s)
{
    struct imap_input *in = s->input;
    struct imap_input_literal l;
    size_t at = 0;
    struct span line = span_from(buf_span(&in->text), in->line_at);
    if (line.n && memchr(line.p, '\0', line.n))
        imap_input_refuse(in, "NUL in a command", false);
    int literal = imap_input_announced(line, &l, &at);
    if (literal < 0) {
        imap_input_refuse(in, "Literal too large", true);
        l.bytes = UINT64_MAX;
    }
    if (literal)
        imap_input_announce(s, &l, in->line_at + at);
    else
        imap_input_complete(s);
}

/* Lines end in CRLF; a bare LF does as well. */
static size_t imap_input_command(struct imap_session *s, struct span bytes)
{
    struct imap_input *in = s->input;
    size_t n = span_find(bytes, '\n');
    bool ended = n < bytes.n;
    struct span part = span_to(bytes, n);
    size_t have = in->text.n - in->line_at;
    size_t most = imap_input_line_max(s);
    if (have + part.n > most || in->text.n + part.n > imap_input_command_max(s) + most) {
        imap_input_refuse(in, "Command line too long", true);
        if (in->line_at == 0) { /* its tag stays */
            if (have < IMAP_INPUT_TAG_BYTES)
                must(buf_add(&in->text, span_to(part, IMAP_INPUT_TAG_BYTES - have)));
            in->line_at = in->text.n < IMAP_INPUT_TAG_BYTES ? in->text.n : IMAP_INPUT_TAG_BYTES;
        }
        in->text.n = in->line_at;
        part =
            part.n > IMAP_INPUT_TAIL_BYTES ? span_from(part, part.n - IMAP_INPUT_TAIL_BYTES) : part;
    }
    must(buf_add(&in->text, part));
    if (!ended)
        return bytes.n;
    if (in->text.n > in->line_at && in->text.p[in->text.n - 1] == '\r')
        in->text.n--;
    conn_used(s->conn, in->ate + n + 1); /* for STARTTLS */
    imap_input_line_ended(s);
    return n + 1;
}

/* --- for the running command --- */

static size_t imap_input_plain(struct imap_session *s, struct span bytes)
{
    struct imap_input *in = s->input;
    size_t n = span_find(bytes, '\n');
    if (!buf_add(&in->line, span_to(bytes, n)) || in->line.n > imap_input_line_max(s)) {
        imap_reply_bye(s, "[TOOBIG] Line too long");
        in->expect = imap_input_nothing;
        imap_session_run(s, STEP_CLOSE);
        return bytes.n;
    }
    if (n == bytes.n)
        return n;
    struct span line = buf_span(&in->line);
    line.n -= line.n > 0 && line.p[line.n - 1] == '\r';
    in->expect = imap_input_nothing;
    imap_session_run(s, in->line_fn(&s->cmd, line));
    return n + 1;
}

void imap_input_line(struct imap_cmd *c, imap_input_line_fn *fn)
{
    struct imap_input *in = c->session->input;
    buf_reset(&in->line);
    in->line_fn = fn;
    in->expect = imap_input_plain;
}

/* --- what stands between the literals of an APPEND --- */

static size_t imap_input_between(struct imap_session *s, struct span bytes);

/* Ends the running command: what of it is still to come is skipped by imap_input_next. */
static void imap_input_bad(struct imap_session *s, const char *why)
{
    imap_session_run(s, imap_reply_bad(&s->cmd, why));
}

/* The URL of a part comes as a literal. */
static size_t imap_input_between_literal(struct imap_session *s, struct span bytes)
{
    struct imap_input *in = s->input;
    struct span part = span_to(bytes, (size_t)in->want);
    if (part.n && memchr(part.p, '\0', part.n))
        in->nul = true;
    must(buf_add(&in->line, part)); /* its size was checked when it was announced */
    in->want -= part.n;
    if (in->want == 0) {
        in->part_at = in->line.n;
        in->expect = imap_input_between;
    }
    return part.n;
}

/* The text so far ends in the announcement of l, at `at`. */
static void imap_input_between_announced(struct imap_session *s, const struct imap_input_literal *l,
                                         size_t at)
{
    struct imap_input *in = s->input;
    const struct imapd_limits *limits = &s->options->limits;
    struct span text = span_to(buf_span(&in->line), at);
    in->message = *l;
    in->announced = true; /* for imap_input_next, if the command ends here */
    in->expect = imap_input_nothing;
    if (!imap_input_is_url(text)) {
        imap_session_run(s, in->sink.text(&s->cmd, text, &in->message));
    } else if (l->binary || l->bytes > limits->literal_bytes ||
               in->line.n + l->bytes > limits->command_bytes) {
        imap_input_bad(s, "Literal too large");
    } else {
        must(buf_add(&in->line, SPAN("\r\n")));
        in->announced = false;
        in->part_at = in->line.n;
        in->want = l->bytes;
        in->expect = l->bytes ? imap_input_between_literal : imap_input_between;
        if (!l->plus)
            imap_out(s, SPAN("+ OK\r\n"));
    }
}

static void imap_input_between_ended(struct imap_session *s)
{
    struct imap_input *in = s->input;
    struct imap_input_literal l;
    size_t at;
    struct span line = span_from(buf_span(&in->line), in->part_at);
    int literal = imap_input_announced(line, &l, &at);
    in->expect = imap_input_nothing;
    if (in->nul || (line.n && memchr(line.p, '\0', line.n))) {
        if (literal > 0) {
            in->message = l;
            in->announced = true;
        }
        imap_input_bad(s, "NUL in a command");
    } else if (literal < 0) {
        imap_reply_bye(s, "[TOOBIG] Literal too large");
        imap_input_bad(s, "Literal too large");
    } else if (literal > 0) {
        imap_input_between_announced(s, &l, in->part_at + at);
    } else {
        imap_session_run(s, in->sink.text(&s->cmd, buf_span(&in->line), NULL));
    }
}

static size_t imap_input_between(struct imap_session *s, struct span bytes)
{
    struct imap_input *in = s->input;
    size_t n = span_find(bytes, '\n');
    size_t have = in->line.n - in->part_at;
    s->active_ms = clock_ms();
    if (have + n > imap_input_line_max(s) || in->line.n + n > s->options->limits.command_bytes ||
        !buf_add(&in->line, span_to(bytes, n))) {
        imap_reply_bye(s, "[TOOBIG] Command line too long");
        in->expect = imap_input_nothing;
        imap_session_run(s, STEP_CLOSE);
        return bytes.n;
    }
    if (n == bytes.n)
        return n;
    if (in->line.n > in->part_at && in->line.p[in->line.n - 1] == '\r')
        in->line.n--;
    imap_input_between_ended(s);
    return n + 1;
}

static void imap_input_begin_between(struct imap_input *in)
{
    in->claimed = in->announced = in->nul = false;
    buf_reset(&in->line);
    in->part_at = 0;
    in->expect = imap_input_between;
}

static size_t imap_input_bytes(struct imap_session *s, struct span bytes)
{
    struct imap_input *in = s->input;
    struct span part = bytes.n < in->want ? bytes : span_to(bytes, (size_t)in->want);
    in->want -= part.n;
    s->active_ms = clock_ms();
    in->held = in->sink.bytes(&s->cmd, part) && in->want > 0;
    if (in->want == 0)
        imap_input_begin_between(in);
    if (in->held)
        conn_pause(s->conn);
    return part.n;
}

void imap_input_message(struct imap_cmd *c, struct imap_input_sink sink)
{
    struct imap_session *s = c->session;
    struct imap_input *in = s->input;
    must(in->announced && !in->claimed);
    in->claimed = true;
    in->sink = sink;
    in->want = in->message.bytes;
    in->expect = imap_input_bytes;
    if (!in->message.plus)
        imap_out(s, SPAN("+ OK\r\n"));
    if (in->want == 0)
        imap_input_begin_between(in);
}

void imap_input_release(struct imap_session *s)
{
    s->input->held = false;
    if (s->conn)
        conn_resume(s->conn);
    else
        imap_session_resume(s); /* only the end of the session waited for this */
}
