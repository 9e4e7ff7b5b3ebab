#pragma once /* imapd/imap_progress.h: signs of life from a long command, RFC 9585 */
#include "imapd/imap_cmd.h"

/* For a command that works in slices: call it in each (it is cheap), where a line may be sent, that is not within another
 * response. Once the command has run for IMAP_PROGRESS_MS, and then as often, the client hears "* OK [INPROGRESS (...)]".
 * done of goal items; goal 0: not known. */
#define IMAP_PROGRESS_MS 10000
void imap_progress(struct imap_cmd *c, uint64_t done, uint64_t goal);
/* The same of a search. */
struct imap_find;
void imap_progress_find(struct imap_cmd *c, struct imap_find *find);
