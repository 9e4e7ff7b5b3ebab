#include "imapd/imap_sort_rows.h"

#include "common/mem.h"

#define LOOK_COUNT 64 /* messages between two looks at the clock */

void imap_sort_rows_init(struct imap_sort_rows *r, struct imap_session *s, uint64_t mailbox,
                         const struct uidset *uids)
{
    *r = (struct imap_sort_rows){.session = s, .cap = uidset_count(uids) + 1};
    r->list = mem_alloc(r->cap * sizeof *r->list);
    r->bodies = mem_alloc(r->cap * sizeof *r->bodies);
    imap_rows_init(&r->rows, mailbox, uids);
}

void imap_sort_rows_fini(struct imap_sort_rows *r)
{
    mem_free(r->list);
    mem_free(r->bodies);
    *r = (struct imap_sort_rows){0};
}

static enum err read_rows(struct imap_sort_rows *r, struct txn *t, struct fault *f)
{
    struct msg m;
    imap_rows_begin(&r->rows, t);
    for (unsigned n = 1; !r->all_read; n++) {
        if (!imap_rows_next(&r->rows, &m)) {
            r->all_read = true;
            break;
        }
        r->bodies[r->n] = m.blob;
        r->list[r->n++] =
            (struct imap_sort_row){.uid = m.uid, .bytes = m.bytes, .arrived = m.internal.utc};
        if (n % LOOK_COUNT == 0 && imap_cmd_should_yield(&r->session->cmd))
            break;
    }
    return imap_rows_end(&r->rows, ERR_OK, f);
}

static enum err read_digests(struct imap_sort_rows *r, struct txn *t, imap_sort_note *note,
                             void *arg, struct fault *f)
{
    struct digest_rows digests;
    struct digest d;
    digest_rows_begin(&digests, t);
    for (unsigned n = 1; r->at < r->n; n++) {
        (void)digest_rows_get(&digests, r->bodies, r->n, r->at, &d);
        note(arg, r->at, &r->list[r->at], &d);
        r->at++;
        if (n % LOOK_COUNT == 0 && imap_cmd_should_yield(&r->session->cmd))
            break;
    }
    return digest_rows_end(&digests, f);
}

enum err imap_sort_rows_more(struct imap_sort_rows *r, void (*begin)(void *arg, size_t n),
                             imap_sort_note *note, void *arg, bool *done, struct fault *f)
{
    struct txn *t = NULL;
    enum err e = txn_read(r->session->options->store, &t, f);
    *done = false;
    if (e == ERR_OK && !r->all_read) {
        e = read_rows(r, t, f);
        if (e == ERR_OK && r->all_read && begin)
            begin(arg, r->n);
    } else if (e == ERR_OK && note) {
        e = read_digests(r, t, note, arg, f);
    }
    *done = e == ERR_OK && r->all_read && (!note || r->at == r->n);
    txn_read_end(&t);
    return e;
}
