#pragma once /* route/hops.h: how many servers a message has seen: its Received fields, counted as it streams by */
#include "common/span.h"

/* Starts all zero. */
struct hops {
    unsigned count;
    unsigned
        at; /* bytes of "Received:" that the present line has matched; beyond its length: this line is none */
    bool ended; /* the empty line after the header has come */
};
void hops_feed(struct hops *h, struct span piece);
