#pragma once /* message/nfc.h: normal forms of Unicode: one text, one spelling */
#include "common/arena.h"

/* Normalization Form C, so that "é" and "e" + U+0301 are one. text itself where it needs no change, else in a; what is not UTF-8 comes
 * back as it is. It may become up to three times as long. */
struct span nfc_normal(struct arena *a, struct span text);
/* Case folded too. False: not UTF-8. */
bool nfc_folded(struct arena *a, struct span text, struct span *out);
