#pragma once /* message/fold.h: how searching compares text: i;unicode-casemap */
#include "common/arena.h"
#include "common/buf.h"

/* RFC 5051 through utf8proc: titlecase-simple folding and decomposition, so that "É", "é" and "e" + U+0301 are one.
 * Streams: in must not end inside a character unless last (charset_convert sees to that). False: out is full. */
bool fold_text(struct span in, struct buf *out);
/* A search key ready for fold_find: folded into a. */
struct span fold_key(struct arena *a, struct span utf8);
/* Whether folded text holds the folded key. An empty key is everywhere. */
bool fold_find(struct span folded_text, struct span folded_key);
