#include "imapd/imap_condstore.h"
#include "imapd/imap_parse.h"
#include "imapd/imap_progress.h"
#include "imapd/imap_search_return.h"
#include "imapd/imap_sort_rows.h"
#include "imapd/imap_thread_tree.h"
#include "imapd/imap_verbs.h"
#include "common/map.h"
#include "message/fold.h"

/* Room: THREAD and UID THREAD, RFC 5256 §3: the messages are found, their digests read, and the tree made of them told,
 * each in slices. */

#define STEPS 2048                /* of the tree between two looks at the clock */
#define HELPING_BYTES (32u << 10) /* of the response between two such looks */
#define SUBJECT_BYTES 8192        /* of a folded subject */
#define TEXT_BYTES (64u << 20)    /* of a helping: a deep thread closes all its lists at once */

struct thread {
    struct search_program program;
    enum imap_thread_algorithm how;
    struct imap_find find;
    struct imap_sort_rows rows;
    struct imap_thread_tree *tree;
    struct imap_session *session;
    bool uid, ended;
    struct buf text, folded;
};

static void cleanup(struct imap_cmd *c)
{
    struct thread *st = c->state;
    imap_search_parse_end(&st->program);
    imap_find_fini(&st->find);
    imap_sort_rows_fini(&st->rows);
    imap_thread_tree_free(&st->tree);
    buf_fini(&st->text);
    buf_fini(&st->folded);
}

static enum step more_text(struct imap_cmd *c)
{
    struct thread *st = c->state;
    while (!st->ended) {
        st->ended = imap_thread_tree_text(st->tree, HELPING_BYTES, &st->text);
        if (st->ended)
            buf_addz(&st->text, "\r\n");
        imap_out(c->session, buf_span(&st->text));
        buf_reset(&st->text);
        if (!st->ended && imap_cmd_should_yield(c))
            return STEP_MORE;
    }
    return imap_reply_ok(c, NULL, "THREAD completed");
}

static enum step more_tree(struct imap_cmd *c)
{
    struct thread *st = c->state;
    while (!imap_thread_tree_step(st->tree, STEPS)) {
        if (imap_cmd_should_yield(c))
            return STEP_MORE;
    }
    /* thread-data = "THREAD" [SP 1*thread-list] */
    buf_addz(&st->text, st->rows.n > 0 ? "* THREAD " : "* THREAD");
    c->more = more_text;
    return imap_cmd_should_yield(c) ? STEP_MORE : more_text(c);
}

static void begin_tree(void *arg, size_t n)
{
    struct thread *st = arg;
    st->tree = imap_thread_tree_new(st->how, n);
}

static uint64_t subject_key(struct thread *st, struct span subject)
{
    if (subject.n == 0 || st->how == IMAP_THREAD_REFS)
        return 0;
    buf_reset(&st->folded);
    (void)fold_text(subject, &st->folded);
    uint64_t key = map_hash(buf_span(&st->folded));
    return key ? key : 1;
}

static void note_message(void *arg, size_t nth, const struct imap_sort_row *row,
                         const struct digest *d)
{
    struct thread *st = arg;
    uint64_t references[DIGEST_REFERENCE_COUNT];
    size_t count = d->reference_count;
    (void)nth;
    for (size_t i = 0; i < count; i++)
        references[i] = digest_reference(d, i);
    imap_thread_tree_add(
        st->tree,
        &(struct imap_thread_message){
            .number = st->uid ? row->uid : uidset_rank(&st->session->view->uids, row->uid),
            .sent = d->dated ? d->sent.utc : row->arrived,
            .subject = subject_key(st, d->subject),
            .reply = d->reply,
            .id = d->id,
            .references = references,
            .reference_count = count});
}

static enum step more_rows(struct imap_cmd *c)
{
    struct thread *st = c->state;
    struct fault f = FAULT_NONE;
    bool done;
    enum err e = imap_sort_rows_more(&st->rows, begin_tree, note_message, st, &done, &f);
    if (e != ERR_OK)
        return imap_reply_err(c, e, &f);
    if (!done)
        return STEP_MORE;
    c->more = more_tree;
    return imap_cmd_should_yield(c) ? STEP_MORE : more_tree(c);
}

static enum step more_find(struct imap_cmd *c)
{
    struct thread *st = c->state;
    struct fault f = FAULT_NONE;
    bool done;
    enum err e = imap_find_more(&st->find, &done, &f);
    if (e != ERR_OK)
        return imap_reply_err(c, e, &f);
    imap_progress_find(c, &st->find);
    if (!done)
        return STEP_MORE;
    imap_sort_rows_init(&st->rows, c->session, c->session->view->mailbox, &st->find.found);
    c->more = more_rows;
    return imap_cmd_should_yield(c) ? STEP_MORE : more_rows(c);
}

/* thread-alg = "ORDEREDSUBJECT" / "REFERENCES" / thread-alg-ext */
static enum imap_thread_algorithm thread_alg(struct scan *in)
{
    static const struct span names[] = {
        [IMAP_THREAD_ORDEREDSUBJECT] = SPAN_ROW("ORDEREDSUBJECT"),
        [IMAP_THREAD_REFERENCES] = SPAN_ROW("REFERENCES"),
        [IMAP_THREAD_REFS] = SPAN_ROW("REFS"),
    };
    struct span word = imap_parse_atom(in);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (span_eq_ci(word, names[i]))
            return (enum imap_thread_algorithm)i;
    }
    scan_fail(in, "Unknown threading algorithm");
    return IMAP_THREAD_ORDEREDSUBJECT;
}

/* thread = "THREAD" SP thread-alg SP charset 1*(SP search-key)    RFC 5256 §5 */
enum step imap_thread(struct imap_cmd *c)
{
    struct imap_view *v = c->session->view;
    struct scan *in = &c->args;
    struct thread *st = arena_new_of(c->arena, struct thread);
    c->state = st;
    c->cleanup = cleanup;
    st->session = c->session;
    st->uid = c->uid;
    buf_init(&st->text, TEXT_BYTES);
    buf_init(&st->folded, SUBJECT_BYTES);
    st->how = thread_alg(in);
    imap_parse_sp(in);
    imap_search_parse_label(imap_parse_astring(in, c->arena), &st->program);
    imap_parse_sp(in);
    imap_search_parse_keys(in, c->arena, v, &st->program);
    if (!scan_ok(in))
        return imap_reply_bad(c, in->why);
    const char *why = imap_search_parse_against(c->session, &st->program);
    if (why)
        return imap_reply_bad(c, why);
    if (st->program.bad_charset)
        return imap_search_return_bad_charset(c);
    if (st->program.modseq)
        imap_condstore_on(c->session);
    imap_find_init(&st->find, c->session, &st->program, v->mailbox, &v->uids);
    c->more = more_find;
    return more_find(c);
}
