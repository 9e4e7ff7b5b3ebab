#pragma once /* message/html_text.h: the text of HTML as it streams by, for previews; not a browser */
#include "common/buf.h"

#define HTML_TEXT_NAME_BYTES 15   /* longest name of an element or an entity that is known */
#define HTML_TEXT_QUOTE_COUNT 255 /* blockquotes within each other that are counted */

/* A plain value: all zero to begin with. */
struct html_text {
    unsigned state; /* private from here */
    char name[HTML_TEXT_NAME_BYTES + 1];
    size_t name_n;
    char quote;      /* of an attribute's value, 0: none */
    char before;     /* the last byte of a tag or comment that was not blank */
    bool closing;    /* the tag is an end tag */
    char raw;        /* first letter of the element whose content is no text */
    unsigned quotes; /* blockquotes that are open */
    bool at_line_start;
};

/* Appends what a reader would see of utf8 (whole characters), which goes on where the last call ended: markup, comments,
 * scripts, styles and titles are gone, entities decoded, each block begins a line, and lines in a blockquote begin with "> ".
 * White space is not squeezed. False: out is full. */
bool html_text(struct html_text *h, struct span utf8, struct buf *out);
