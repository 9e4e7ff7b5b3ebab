#include "imapd/imap_use.h"

#include "store/mailbox.h"

static const struct {
    uint32_t bit;
    const char *name;
} imap_use_table[] = {
    {MAILBOX_ALL, "\\All"},         {MAILBOX_ARCHIVE, "\\Archive"},
    {MAILBOX_DRAFTS, "\\Drafts"},   {MAILBOX_FLAGGED, "\\Flagged"},
    {MAILBOX_JUNK, "\\Junk"},       {MAILBOX_SENT, "\\Sent"},
    {MAILBOX_TRASH, "\\Trash"},     {MAILBOX_IMPORTANT, "\\Important"},
    {MAILBOX_MEMOS, "\\Memos"},     {MAILBOX_SCHEDULED, "\\Scheduled"},
    {MAILBOX_SNOOZED, "\\Snoozed"},
};

const char *imap_use_name(unsigned nth, uint32_t *bit_out)
{
    if (nth >= sizeof imap_use_table / sizeof *imap_use_table)
        return NULL;
    *bit_out = imap_use_table[nth].bit;
    return imap_use_table[nth].name;
}

uint32_t imap_use_named(struct span name)
{
    uint32_t bit;
    const char *known;
    for (unsigned i = 0; (known = imap_use_name(i, &bit)) != NULL; i++) {
        if (span_eq_ci(name, span_from(span_cstr(known), 1)))
            return bit;
    }
    return 0;
}
