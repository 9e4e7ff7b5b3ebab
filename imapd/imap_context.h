#pragma once /* imapd/imap_context.h: searches whose result is kept up to date: RETURN (UPDATE), RFC 5267 §4.3 */
#include "imapd/imap_session.h"
#include "imapd/imap_sort_keys.h"

/* Of one view; they end with it. */
struct imap_contexts;
#define IMAP_CONTEXT_COUNT 16 /* in one session; more are refused with NOUPDATE */

/* Whether the tag belongs to one that is there: then UPDATE is BAD. */
bool imap_context_has(const struct imap_view *v, struct span tag);
/* For a SEARCH or SORT with UPDATE whose result is about to be told or was: from the next news on its client hears what
 * changes, or it is told now that it will not (NOUPDATE). c->args are read once more. order: the UIDs of the result as
 * they were sorted, NULL for a SEARCH; by_score: by RELEVANCY, which is refused. */
void imap_context_begin(struct imap_cmd *c, const struct uidset *result, const uint32_t *order,
                        size_t n, bool by_score);

/* --- for imapd/imap_view.c; contexts NULL: there are none --- */
/* Messages were added or their flags changed, by whom ever. */
void imap_context_changed(struct imap_contexts *x, const struct uidset *uids);
/* Before the messages in v->removed are told to be gone: REMOVEFROM. */
void imap_context_leave(struct imap_view *v);
/* After all other news: holds what has changed against the searches and tells what that means for them. False: there is
 * more to do than fits into this turn. */
bool imap_context_more(struct imap_view *v);
/* The items of a message that entered a result stand half said: nothing else may be sent but by imap_context_more. */
bool imap_context_mid(const struct imap_contexts *x);
void imap_context_end(struct imap_contexts **x); /* NULL is fine */
