#pragma once /* message/cfws.h: comments and folding white space */
#include "common/scan.h"

/* CFWS = (1*([FWS] comment) [FWS]) / FWS, RFC 5322 §3.2.2, or nothing. Comments nest; one that does
 * not end takes the rest. Never fails. */
void cfws_skip(struct scan *s);
/* A byte that may stand in folding white space: space, tab, CR, LF. */
bool cfws_is_blank(unsigned char c);
