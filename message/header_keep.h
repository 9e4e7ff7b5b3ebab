#pragma once /* message/header_keep.h: the fields of a header that clients list messages by, kept apart as they came */
#include "common/buf.h"

#define HEADER_KEEP_BYTES 4096 /* of all of them; a header with more of them is not kept */

/* False for the fields of transport, signatures and filters, which are long and which no list of messages shows. */
bool header_keep(struct span name);
/* Appends the fields of header that are to be kept, each with its line end. False: they are too many, out has none of them. */
bool header_keep_fields(struct span header, struct buf *out);
