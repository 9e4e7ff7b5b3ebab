#include "imapd/imap_flagset.h"

#include "common/mem.h"
#include "store/changes.h"

#define IMAP_FLAGSET_NEWS_COUNT 2000 /* changed messages that are cheaper to read than all */

struct imap_flagset *imap_flagset_new(uint64_t modseq, const size_t *bits, size_t n)
{
    struct imap_flagset *s = mem_new(struct imap_flagset);
    s->modseq = modseq;
    for (size_t i = 0; i < n && i < IMAP_FLAGSET_KEYWORD_COUNT; i++)
        s->keywords[s->keyword_count++].bit = bits[i];
    return s;
}

static void imap_flagset_each(struct imap_flagset *s, void (*fn)(struct uidset *, const void *),
                              const void *arg)
{
    for (size_t i = 0; i < FLAGS_SYSTEM_COUNT; i++)
        fn(&s->flags[i], arg);
    for (size_t i = 0; i < s->keyword_count; i++)
        fn(&s->keywords[i].uids, arg);
}

static void imap_flagset_fini_one(struct uidset *uids, const void *arg)
{
    (void)arg;
    uidset_fini(uids);
}

void imap_flagset_free(struct imap_flagset **set)
{
    if (!*set)
        return;
    imap_flagset_each(*set, imap_flagset_fini_one, NULL);
    mem_free(*set);
    *set = NULL;
}

void imap_flagset_row(struct imap_flagset *s, const struct msg *row)
{
    for (size_t i = 0; i < FLAGS_SYSTEM_COUNT; i++) {
        if (row->flags & 1u << i)
            uidset_add(&s->flags[i], row->uid, row->uid);
    }
    for (size_t i = 0; i < s->keyword_count; i++) {
        if (flags_bit(row->keywords, s->keywords[i].bit))
            uidset_add(&s->keywords[i].uids, row->uid, row->uid);
    }
}

const struct uidset *imap_flagset_flag(const struct imap_flagset *s, uint32_t flag)
{
    size_t i = 0;
    while (i + 1 < FLAGS_SYSTEM_COUNT && !(flag & 1u << i))
        i++;
    return &s->flags[i];
}

const struct uidset *imap_flagset_keyword(const struct imap_flagset *s, size_t bit)
{
    for (size_t i = 0; i < s->keyword_count; i++) {
        if (s->keywords[i].bit == bit)
            return &s->keywords[i].uids;
    }
    return NULL;
}

size_t imap_flagset_ranges(const struct imap_flagset *s)
{
    size_t n = 0;
    for (size_t i = 0; i < FLAGS_SYSTEM_COUNT; i++)
        n += s->flags[i].cap;
    for (size_t i = 0; i < s->keyword_count; i++)
        n += s->keywords[i].uids.cap;
    return n;
}

/* --- what changed --- */

static void imap_flagset_change(void *arg, const struct change *change, const struct uidset *uids)
{
    struct uidset *changed = arg;
    if (uids && (change->kind == CHANGE_ADDED || change->kind == CHANGE_FLAGS ||
                 change->kind == CHANGE_REMOVED))
        uidset_add_set(changed, uids);
}

static void imap_flagset_without(struct uidset *uids, const void *changed)
{
    uidset_remove_set(uids, changed);
}

/* The rows of what changed, as they are now; those that are gone have none. */
static enum err imap_flagset_read(struct imap_flagset *news, struct txn *t, uint64_t mailbox,
                                  const struct uidset *changed, struct fault *f)
{
    struct msg_pick pick;
    struct msg row;
    msg_pick(&pick, t, mailbox, changed, UINT32_MAX);
    while (msg_pick_next(&pick, &row))
        imap_flagset_row(news, &row);
    return msg_pick_end(&pick, f);
}

static void imap_flagset_merge(struct imap_flagset *s, const struct imap_flagset *news)
{
    for (size_t i = 0; i < FLAGS_SYSTEM_COUNT; i++)
        uidset_add_set(&s->flags[i], &news->flags[i]);
    for (size_t i = 0; i < s->keyword_count; i++)
        uidset_add_set(&s->keywords[i].uids, &news->keywords[i].uids);
}

static enum err imap_flagset_take(struct imap_flagset *s, struct txn *t, uint64_t mailbox,
                                  const struct uidset *changed, struct fault *f)
{
    size_t bits[IMAP_FLAGSET_KEYWORD_COUNT];
    for (size_t i = 0; i < s->keyword_count; i++)
        bits[i] = s->keywords[i].bit;
    struct imap_flagset *news = imap_flagset_new(s->modseq, bits, s->keyword_count);
    enum err e = imap_flagset_read(news, t, mailbox, changed, f);
    if (e == ERR_OK) {
        imap_flagset_each(s, imap_flagset_without, changed);
        imap_flagset_merge(s, news);
    }
    imap_flagset_free(&news);
    return e;
}

enum err imap_flagset_refresh(struct imap_flagset *s, struct txn *t, const struct mailbox *box,
                              struct fault *f)
{
    struct uidset changed = {0};
    if (s->modseq == box->highestmodseq)
        return ERR_OK;
    enum err e =
        changes_since(t, box->account, box->id, s->modseq, imap_flagset_change, &changed, f);
    if (e == ERR_OK && uidset_count(&changed) > IMAP_FLAGSET_NEWS_COUNT)
        e = ERR_LIMIT;
    if (e == ERR_OK && !uidset_empty(&changed))
        e = imap_flagset_take(s, t, box->id, &changed, f);
    uidset_fini(&changed);
    if (e == ERR_OK)
        s->modseq = box->highestmodseq;
    return e;
}
