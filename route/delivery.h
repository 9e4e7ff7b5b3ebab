#pragma once /* route/delivery.h: one message on its way to its recipients: five calls are all that smtpd knows */
#include "common/fault.h"
#include "message/address.h"
#include "net/loop.h"
#include "store/actor.h"
#include "store/store.h"

/* How mail is routed; one for the whole process, fixed after start. */
struct route;
struct route_options {
    bool lab; /* every address at every domain is local; accounts are made at first delivery */
    const char *separators;     /* of plus addressing: "+" */
    unsigned alias_depth_count; /* 20 */
    unsigned alias_total_count; /* recipients one address may grow to: 1,000 */
    size_t message_bytes;       /* 50 MB */
    unsigned rcpt_count;        /* 1,000, RFC 5321 §4.5.3.1.8 */
    unsigned hop_count;         /* Received fields, 100; RFC 5321 §6.3 */
};
extern const struct route_options route_options_default;
struct route *route_new(struct store *st, const struct route_options *o);
void route_free(struct route **r);
const struct route_options *route_options(const struct route *r);
/* Below the low-water mark: no new mail now (any thread). */
bool route_is_low(const struct route *r);

struct delivery;

/* reverse_path is copied. actor goes into the change log. ready(arg): delivery_busy has become false. */
struct delivery *delivery_begin(struct route *r, struct loop *l, struct address reverse_path,
                                const struct actor *actor, void (*ready)(void *arg), void *arg);
/* Decides now, so that the reply to RCPT is honest. ERR_NOTFOUND: no such recipient here. ERR_DENIED: not our domain. ERR_LIMIT: too many
 * recipients. ERR_CORRUPT: an alias loop or bomb. ERR_QUOTA: its quota is used up. ERR_FULL: below the low-water mark. ERR_IO. The same mailbox twice is delivered once. */
enum err delivery_rcpt(struct delivery *d, struct address rcpt, struct fault *f);
unsigned delivery_rcpts(const struct delivery *d); /* accepted so far */
/* Our own fields, before the first delivery_write: delivery puts Return-Path before received (RFC 5321 §4.4). They count neither as bytes
 * nor as a hop. Call it once. */
void delivery_trace(struct delivery *d, struct span received);
/* The message as it streams in, CRLF line ends, dot-stuffing removed. */
void delivery_write(struct delivery *d, struct span piece);
bool delivery_busy(const struct delivery *d); /* pause the source until ready */
/* ERR_LIMIT: larger than message_bytes, or too many hops; or what became of bytes written ahead. */
enum err delivery_state(const struct delivery *d, struct fault *f);
/* One transaction for all recipients. done on the loop, in a later turn, after the flush; it gets the outcome and a text for the log; then d is gone.
 * After this call d is delivery's own. */
void delivery_commit(struct delivery *d, void (*done)(void *arg, enum err e, const struct fault *f),
                     void *arg);
void delivery_abort(struct delivery **d); /* before delivery_commit; NULL is fine */
