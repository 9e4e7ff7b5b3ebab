#pragma once /* main/nearest.h: what somebody may have meant */

/* Starts with the word as written; each name that would have been right is tried. Borrows all of them. */
struct nearest {
    const char *word, *best;
    unsigned distance;
};
void nearest_init(struct nearest *n, const char *word);
void nearest_try(struct nearest *n, const char *name);
/* The name with the fewest letters wrong, missing, too many or swapped; NULL if none is near enough to be meant. */
const char *nearest_found(const struct nearest *n);
