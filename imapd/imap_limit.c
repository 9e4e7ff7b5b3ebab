#include "imapd/imap_limit.h"

#include "imapd/imap_session.h"

#include <stdio.h>

#define IMAP_LIMIT_CODE_BYTES 48

/* The lowest UID of the highest max, or 0 if they are not more. */
static uint32_t imap_limit_lowest(struct uidset *uids, unsigned max)
{
    uint32_t n = uidset_count(uids);
    return max == 0 || n <= max ? 0 : uidset_nth(uids, n - max + 1);
}

static const char *imap_limit_code(struct imap_cmd *c, unsigned max, uint32_t lowest)
{
    char *code = arena_alloc(c->arena, IMAP_LIMIT_CODE_BYTES);
    snprintf(code, IMAP_LIMIT_CODE_BYTES, "MESSAGELIMIT %u %u", max, lowest);
    return code;
}

const char *imap_limit_cut(struct imap_cmd *c, struct uidset *uids)
{
    unsigned max = c->session->options->limits.message_count;
    uint32_t lowest = imap_limit_lowest(uids, max);
    if (lowest == 0)
        return NULL;
    if (lowest > 1)
        uidset_remove(uids, 1, lowest - 1);
    return imap_limit_code(c, max, lowest);
}

const char *imap_limit_over(struct imap_cmd *c, struct uidset *uids)
{
    const struct imapd_limits *l = &c->session->options->limits;
    unsigned max = l->message_count ? l->message_count : l->save_count;
    uint32_t lowest = imap_limit_lowest(uids, max);
    return lowest == 0 ? NULL : imap_limit_code(c, max, lowest);
}

const char *imap_limit_refused(struct imap_cmd *c)
{
    char *code = arena_alloc(c->arena, IMAP_LIMIT_CODE_BYTES);
    snprintf(code, IMAP_LIMIT_CODE_BYTES, "MESSAGELIMIT %u",
             c->session->options->limits.message_count);
    return code;
}
