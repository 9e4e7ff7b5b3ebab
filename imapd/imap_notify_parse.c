#include "imapd/imap_notify.h"

#include "imapd/imap_parse.h"

/* clang-format off */
static const struct {
    struct span word;
    unsigned event;
} words[] = {
    {SPAN_ROW("MessageNew"),            NOTIFY_NEW},
    {SPAN_ROW("MessageExpunge"),        NOTIFY_EXPUNGE},
    {SPAN_ROW("FlagChange"),            NOTIFY_FLAGS},
    {SPAN_ROW("MailboxName"),           NOTIFY_NAME},
    {SPAN_ROW("SubscriptionChange"),    NOTIFY_SUBSCRIPTION},
    {SPAN_ROW("MailboxMetadataChange"), NOTIFY_METADATA},
    {SPAN_ROW("ServerMetadataChange"),  NOTIFY_SERVER},
};
/* clang-format on */

static bool is_selected(const struct imap_notify_group *g)
{
    return g->scope.kind == IMAP_SCOPE_SELECTED || g->scope.kind == IMAP_SCOPE_SELECTED_DELAYED;
}

/* event = message-event / mailbox-event / user-event / event-ext */
static void event(struct scan *s, struct arena *a, struct imap_notify_groups *all,
                  struct imap_notify_group *g)
{
    struct span name = imap_parse_atom(s);
    size_t i = 0;
    while (i < sizeof words / sizeof *words && !span_eq_ci(name, words[i].word))
        i++;
    if (i == sizeof words / sizeof *words) {
        all->bad_event |= scan_ok(s);
        return;
    }
    g->events |= words[i].event;
    struct scan look = *s;
    if (words[i].event != NOTIFY_NEW || !scan_try_word(&look, SPAN(" (")))
        return;
    imap_parse_sp(s);
    imap_fetch_parse_list(s, a, &g->fetch);
    g->fetches = true;
}

/* events = ("(" event *(SP event) ")") / "NONE"; the first example of RFC 5465 §3.1 has no parentheses */
static void events(struct scan *s, struct arena *a, struct imap_notify_groups *all,
                   struct imap_notify_group *g)
{
    if (scan_try_word(s, SPAN("NONE")))
        return;
    bool list = scan_try(s, '(');
    do
        event(s, a, all, g);
    while (scan_try(s, ' '));
    if (list)
        scan_byte(s, ')', "Expected ) behind the events");
}

/* What RFC 5465 §5 and §6.1 make BAD. */
static const char *against(const struct imap_notify_groups *all, const struct imap_notify_group *g)
{
    unsigned pair = NOTIFY_NEW | NOTIFY_EXPUNGE;
    if (g->scope.kind == IMAP_SCOPE_SUBTREE_ONE)
        return "SUBTREE-ONE is not for NOTIFY";
    if ((g->events & pair) && (g->events & pair) != pair)
        return "MessageNew and MessageExpunge need each other";
    if ((g->events & NOTIFY_FLAGS) && (g->events & pair) != pair)
        return "FlagChange needs MessageNew and MessageExpunge";
    if (is_selected(g) && (g->events & ~(unsigned)NOTIFY_MESSAGES))
        return "Only message events can be had of the selected mailbox";
    if (!is_selected(g) && g->fetches)
        return "Items to fetch can be had of the selected mailbox alone";
    for (const struct imap_notify_group *x = all->list; is_selected(g) && x < g; x++) {
        if (is_selected(x))
            return "SELECTED and SELECTED-DELAYED may come only once";
    }
    return NULL;
}

/* event-group = "(" filter-mailboxes SP events ")" */
static void group(struct scan *s, struct arena *a, bool utf8, struct imap_notify_groups *out)
{
    struct imap_notify_group *g = &out->list[out->n];
    if (out->n == NOTIFY_GROUP_COUNT) {
        scan_fail(s, "Too many groups");
        return;
    }
    scan_byte(s, '(', "Expected ( before a group of events");
    g->scope = imap_scope_parse(s, a, utf8);
    imap_parse_sp(s);
    events(s, a, out, g);
    scan_byte(s, ')', "Expected ) behind a group of events");
    const char *why = scan_ok(s) && !out->bad_event ? against(out, g) : NULL;
    if (why)
        scan_fail(s, why);
    out->n++;
}

/* notify-set = "SET" [status-indicator] SP event-groups    notify-none = "NONE"    RFC 5465 §8 */
void imap_notify_parse(struct scan *s, struct arena *a, bool utf8, struct imap_notify_groups *out)
{
    *out = (struct imap_notify_groups){0};
    if (scan_try_word(s, SPAN("NONE"))) {
        out->none = true;
    } else if (scan_try_word(s, SPAN("SET"))) {
        out->status = scan_try_word(s, SPAN(" STATUS"));
        out->list = arena_zalloc(a, NOTIFY_GROUP_COUNT * sizeof *out->list);
        imap_parse_sp(s);
        do
            group(s, a, utf8, out);
        while (scan_ok(s) && scan_try(s, ' '));
    } else {
        scan_fail(s, "Expected SET or NONE");
    }
    scan_end(s, "Unexpected text at the end");
}
