#pragma once /* message/gather.h: the wanted fields of a header that streams by */
#include "common/buf.h"

struct gather {
    size_t field_bytes, left_bytes; /* limits: of one field, of all headers together */
    bool (*wants)(struct span field_name);
    struct buf kept; /* the wanted fields, each line ended by LF */
    struct buf line; /* the line that has no end yet */
    size_t field_n;  /* bytes of the current field in kept */
    bool wanted;     /* the current field is */
    bool cut;        /* the current line is longer than field_bytes */
    bool spent;      /* left_bytes was reached: nothing more is kept */
};

void gather_init(struct gather *g, size_t field_bytes, size_t header_bytes);
void gather_fini(struct gather *g);
/* A new header begins; what it shares with the ones before is left_bytes. */
void gather_begin(struct gather *g, bool (*wants)(struct span field_name));
/* A piece of the current line; at most field_bytes of a line are kept. */
void gather_piece(struct gather *g, struct span piece);
/* The line ends after this piece, which is without the line end. Returns the whole line; valid until the next call. */
struct span gather_line(struct gather *g, struct span piece);
/* The line that gather_line returned belongs to the header; it is not empty. */
void gather_take(struct gather *g, struct span line);
