#include "route/delivery.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/map.h"
#include "common/mem.h"
#include "common/must.h"
#include "message/outline.h"
#include "message/trace.h"
#include "store/blob.h"
#include "store/directory.h"
#include "store/mailbox.h"
#include "store/msg.h"
#include "store/quota.h"
#include "route/alias.h"
#include "route/hops.h"
#include "route/route.h"

#define DELIVERY_FEW 16 /* so many targets are compared one by one before a map is made */

struct delivery {
    struct route *route;
    struct loop *loop;
    struct actor actor;
    struct address reverse_path;
    void (*ready)(void *arg);
    void *arg;
    struct arena *arena;

    /* the recipients */
    unsigned rcpts;
    struct alias_target *targets;
    size_t target_count, target_room;
    struct map *known; /* keys of targets, when there are more than a few */

    /* the body; made at the first byte */
    struct blob_writer *blob;
    struct outline_parser *outline;
    struct hops hops;
    uint64_t bytes;     /* without our trace */
    struct fault fault; /* what delivery_state says */

    /* after delivery_commit; while op is under way all of this is the committer's */
    struct store_op op;
    struct arena *apply_arena;
    struct buf record;
    struct msg_new msg;
    uint64_t *boxes;
    bool committing;
    struct post_note note;
    void (*done)(void *arg, enum err e, const struct fault *f);
    void *done_arg;
};

struct delivery *delivery_begin(struct route *r, struct loop *l, struct address reverse_path,
                                const struct actor *actor, void (*ready)(void *arg), void *arg)
{
    struct delivery *d = mem_new(struct delivery);
    d->route = r;
    d->loop = l;
    d->actor = *actor;
    d->ready = ready;
    d->arg = arg;
    d->arena = arena_new();
    d->reverse_path.local = arena_keep(d->arena, reverse_path.local);
    d->reverse_path.domain = arena_keep(d->arena, reverse_path.domain);
    return d;
}

static void delivery_free(struct delivery *d, bool kept)
{
    blob_end(&d->blob, kept);
    outline_free(&d->outline);
    map_free(&d->known);
    buf_fini(&d->record);
    arena_free(&d->apply_arena);
    arena_free(&d->arena);
    mem_free(d);
}

void delivery_abort(struct delivery **d)
{
    if (*d)
        delivery_free(*d, false);
    *d = NULL;
}

/* --- recipients --- */

static bool delivery_knows(const struct delivery *d, struct span key)
{
    if (d->known)
        return map_get(d->known, key) != NULL;
    for (size_t i = 0; i < d->target_count; i++)
        if (span_eq(d->targets[i].address, key))
            return true;
    return false;
}

static void delivery_add(struct delivery *d, const struct alias_target *target)
{
    if (d->target_count == d->target_room) {
        struct alias_target *old = d->targets;
        d->target_room = d->target_room ? d->target_room * 2 : 2;
        d->targets = arena_alloc(d->arena, d->target_room * sizeof *old);
        if (old)
            memcpy(d->targets, old, d->target_count * sizeof *old);
    }
    d->targets[d->target_count++] =
        (struct alias_target){arena_keep(d->arena, target->address), target->account};
    if (!d->known && d->target_count >= DELIVERY_FEW) {
        d->known = map_new();
        for (size_t i = 0; i < d->target_count; i++)
            map_put(d->known, d->targets[i].address, d);
    } else if (d->known) {
        map_put(d->known, target->address, d);
    }
}

/* All of the targets of a recipient, or none. */
static enum err delivery_add_all(struct delivery *d, const struct alias_targets *found,
                                 struct fault *f)
{
    const struct route_options *o = &d->route->options;
    size_t max = o->rcpt_count > o->alias_total_count ? o->rcpt_count : o->alias_total_count;
    size_t fresh = 0;
    for (size_t i = 0; i < found->n; i++)
        fresh += !delivery_knows(d, found->list[i].address);
    if (d->target_count > 0 && d->target_count + fresh > max)
        return fault_set(f, ERR_LIMIT, "more than %zu mailboxes", max);
    for (size_t i = 0; i < found->n; i++)
        if (!delivery_knows(d, found->list[i].address))
            delivery_add(d, &found->list[i]);
    d->rcpts++;
    return ERR_OK;
}

/* A quota that is used up refuses here, where nothing is lost: what RCPT took is kept, even if it goes beyond. One member of
 * many does not keep the others from their mail. */
static enum err delivery_has_room(struct txn *t, const struct alias_targets *found, struct fault *f)
{
    const struct quota_amount more = {1, 1, 0};
    if (found->n != 1 || found->list[0].account == 0)
        return ERR_OK;
    return quota_allows(t, found->list[0].account, &more, f);
}

enum err delivery_rcpt(struct delivery *d, struct address rcpt, struct fault *f)
{
    struct alias_targets found;
    struct txn *t = NULL;
    if (d->rcpts >= d->route->options.rcpt_count)
        return fault_set(f, ERR_LIMIT, "more than %u recipients", d->route->options.rcpt_count);
    if (store_is_low(d->route->store))
        return fault_set(f, ERR_FULL, "below the low-water mark");
    struct arena *a = arena_new();
    enum err e = txn_read(d->route->store, &t, f);
    if (e == ERR_OK)
        e = alias_resolve(t, a, &d->route->options, rcpt, &found, f);
    if (e == ERR_OK)
        e = delivery_has_room(t, &found, f);
    txn_read_end(&t);
    if (e == ERR_OK && found.dangling > 0)
        log_event(LOG_WARN, d->actor.session.text, "route.dangling", "rcpt=\"%s\" targets=%u",
                  LOG_SPAN(address_text(a, rcpt)), found.dangling);
    if (e == ERR_OK)
        e = delivery_add_all(d, &found, f);
    arena_free(&a);
    return e;
}

unsigned delivery_rcpts(const struct delivery *d)
{
    return d->rcpts;
}

/* --- the body --- */

static void delivery_submit(struct delivery *d);

/* Chunks have reached the disk, or failed to. */
static void delivery_on_blob(void *arg)
{
    struct delivery *d = arg;
    if (d->committing && !blob_in_flight(d->blob))
        delivery_submit(d);
    else if (!d->committing && !blob_busy(d->blob))
        d->ready(d->arg);
}

static void delivery_put(struct delivery *d, struct span piece)
{
    blob_write(d->blob, piece);
    outline_feed(d->outline, piece);
}

void delivery_trace(struct delivery *d, struct span received)
{
    must(!d->blob);
    d->blob = blob_begin(d->route->store, loop_post(d->loop), delivery_on_blob, d);
    d->outline = outline_new(&outline_limits_default);
    delivery_put(d, trace_return_path(d->arena, d->reverse_path));
    delivery_put(d, received);
}

void delivery_write(struct delivery *d, struct span piece)
{
    const struct route_options *o = &d->route->options;
    must(d->blob && !d->committing);
    if (d->fault.kind != ERR_OK)
        return;
    d->bytes += piece.n;
    hops_feed(&d->hops, piece);
    if (d->bytes > o->message_bytes)
        fault_set(&d->fault, ERR_LIMIT, "message_bytes: more than %zu", o->message_bytes);
    else if (d->hops.count > o->hop_count)
        fault_set(&d->fault, ERR_LIMIT, "hop_count: more than %u Received fields", o->hop_count);
    else
        delivery_put(d, piece);
}

bool delivery_busy(const struct delivery *d)
{
    return d->blob && d->fault.kind == ERR_OK && blob_busy(d->blob);
}

enum err delivery_state(const struct delivery *d, struct fault *f)
{
    if (d->fault.kind != ERR_OK)
        return fault_set(f, d->fault.kind, "%s", d->fault.text);
    return d->blob ? blob_state(d->blob, f) : ERR_OK;
}

/* --- the commit --- */

/* The INBOX of a target; in a lab the account is made by its first message. */
static enum err delivery_box(struct txn *t, struct delivery *d, const struct alias_target *target,
                             uint64_t *box_out, struct fault *f)
{
    struct mailbox box;
    uint64_t account = target->account;
    if (account == 0) {
        struct account there;
        enum err e = directory_account_find(t, d->apply_arena, target->address, &there, f);
        account = there.id;
        if (e == ERR_NOTFOUND)
            e = directory_account_add(t, target->address, SPAN(""), &account, f);
        if (e != ERR_OK)
            return e;
    }
    enum err e = mailbox_find(t, d->apply_arena, account, SPAN("INBOX"), &box, f);
    *box_out = box.id;
    return e;
}

/* On the committer; may run again. */
static enum err delivery_apply(struct txn *t, struct store_op *op, struct fault *f)
{
    struct delivery *d = list_entry(op, struct delivery, op);
    enum err e = ERR_OK;
    arena_reset(d->apply_arena);
    for (size_t i = 0; e == ERR_OK && i < d->target_count; i++)
        e = delivery_box(t, d, &d->targets[i], &d->boxes[i], f);
    if (e == ERR_OK)
        e = blob_put(t, d->blob, buf_span(&d->record), (uint32_t)d->target_count, &d->msg.blob, f);
    for (size_t i = 0; e == ERR_OK && i < d->target_count; i++) {
        uint32_t uid;
        e = msg_append(t, d->boxes[i], &d->msg, &uid, f);
    }
    return e;
}

static void delivery_finish(struct delivery *d, enum err e, const struct fault *f)
{
    d->done(d->done_arg, e, f);
    delivery_free(d, e == ERR_OK);
}

static void delivery_applied(struct store_op *op, enum err e, const struct fault *f)
{
    delivery_finish(list_entry(op, struct delivery, op), e, f);
}

/* It failed before it could be submitted. */
static void delivery_failed(struct post_note *note)
{
    struct delivery *d = list_entry(note, struct delivery, note);
    delivery_finish(d, d->fault.kind, &d->fault);
}

static void delivery_fail(struct delivery *d)
{
    d->note.run = delivery_failed;
    post_send(loop_post(d->loop), &d->note);
}

/* With nothing in flight. */
static void delivery_submit(struct delivery *d)
{
    if (d->fault.kind == ERR_OK)
        d->fault.kind = blob_state(d->blob, &d->fault);
    if (d->fault.kind == ERR_OK)
        committer_submit(d->route->store, &d->op);
    else
        delivery_fail(d);
}

void delivery_commit(struct delivery *d, void (*done)(void *arg, enum err e, const struct fault *f),
                     void *arg)
{
    must(d->blob && d->target_count > 0 && !d->committing);
    int64_t now = clock_wall();
    d->done = done;
    d->done_arg = arg;
    d->committing = true;
    d->apply_arena = arena_new();
    d->boxes = arena_alloc(d->arena, d->target_count * sizeof *d->boxes);
    buf_init(&d->record, OUTLINE_RECORD_MAX);
    outline_end(d->outline, &d->record);
    blob_seal(d->blob);
    d->msg.bytes = blob_written(d->blob);
    d->msg.internal = (struct date){now, clock_zone_minutes(now)};
    d->op = (struct store_op){.apply = delivery_apply,
                              .done = delivery_applied,
                              .home = loop_post(d->loop),
                              .actor = d->actor};
    if (!blob_in_flight(d->blob))
        delivery_submit(d);
}
