#pragma once /* common/post.h: how one thread tells another something */

/* A note is embedded in the sender's struct: sending allocates nothing. It belongs to the receiver from the send
 * until run is called, on the receiving thread, exactly once; run may free the struct around it. */
struct post_note {
    struct post_note *next;
    void (*run)(struct post_note *note);
};

/* The letter box of a thread. net/loop has one; a thread that wants to block has one made of a condition. */
struct post {
    /* Thread-safe, never blocks, keeps the order. first..last is a chain linked by next (last->next is ignored). */
    void (*send)(struct post *self, struct post_note *first, struct post_note *last);
};

static inline void post_send(struct post *to, struct post_note *note)
{
    to->send(to, note, note);
}
