#include "route/delivery.h"

#include "tests/unit/route/town.h"

#include "store/blob.h"
#include "store/mailbox.h"
#include "store/msg.h"

static struct town town;
static struct route *route;

static const char *const domains[] = {"example.org", NULL};
static const char *const accounts[] = {"ann@example.org", "bob@example.org", NULL};
static const struct town_alias aliases[] = {
    {"team@example.org", {"ann@example.org", "bob@example.org"}}, {NULL, {NULL}}};

/* One delivery on a loop that runs in the test's own thread. */
struct sent {
    struct loop *loop;
    struct delivery *d;
    const char *const *rcpts;
    struct span body;
    size_t times; /* the body is written so often */
    bool paused, over;
    enum err e;
    struct post_note start;
};

static void sent_done(void *arg, enum err e, const struct fault *f)
{
    struct sent *s = arg;
    (void)f;
    s->e = e;
    s->over = true;
    loop_stop(s->loop);
}

static void sent_more(struct sent *s)
{
    while (s->times > 0 && !delivery_busy(s->d)) {
        delivery_write(s->d, s->body);
        s->times--;
    }
    if (s->times == 0)
        delivery_commit(s->d, sent_done, s);
}

static void sent_ready(void *arg)
{
    struct sent *s = arg;
    if (s->times > 0)
        sent_more(s);
}

static struct address address_of(const char *z)
{
    struct span all = span_cstr(z);
    size_t at = span_find(all, '@');
    return (struct address){span_to(all, at), span_from(all, at + 1)};
}

static void sent_start(struct post_note *note)
{
    struct sent *s = list_entry(note, struct sent, start);
    struct actor actor = {.kind = ACTOR_SMTP};
    struct fault f = FAULT_NONE;
    s->d = delivery_begin(route, s->loop, address_of("from@example.net"), &actor, sent_ready, s);
    for (size_t i = 0; s->rcpts[i]; i++)
        assert_int_equal(delivery_rcpt(s->d, address_of(s->rcpts[i]), &f), ERR_OK);
    delivery_trace(s->d, SPAN("Received: by here\r\n"));
    sent_more(s);
}

static enum err send_one(const char *const *rcpts, struct span body, size_t times)
{
    struct fault f = FAULT_NONE;
    struct sent s = {.rcpts = rcpts, .body = body, .times = times, .start = {.run = sent_start}};
    assert_int_equal(loop_new(&s.loop, &f), ERR_OK);
    post_send(loop_post(s.loop), &s.start);
    loop_run(s.loop);
    assert_true(s.over);
    loop_free(&s.loop);
    return s.e;
}

/* INBOX of an account: its messages, and the last one's row. */
static uint32_t inbox(const char *address, struct msg *last, struct buf *body, size_t max)
{
    struct fault f = FAULT_NONE;
    struct txn *t = NULL;
    struct arena *a = arena_new();
    struct account account;
    struct mailbox box;
    assert_int_equal(txn_read(town.store, &t, &f), ERR_OK);
    enum err e = directory_account_find(t, a, span_cstr(address), &account, &f);
    uint32_t messages = 0;
    if (e == ERR_OK) {
        assert_int_equal(mailbox_find(t, a, account.id, SPAN("INBOX"), &box, &f), ERR_OK);
        messages = box.messages;
    }
    if (messages > 0 && last) {
        assert_int_equal(msg_get(t, a, box.id, box.uidnext - 1, last, &f), ERR_OK);
        assert_int_equal(blob_read(t, last->blob, 0, max, body, &f), ERR_OK);
    }
    txn_read_end(&t);
    arena_free(&a);
    return messages;
}

static void one_copy_for_all(void **state)
{
    (void)state;
    static const char *const rcpts[] = {"team@example.org", "ann+x@example.org", "bob@example.org",
                                        NULL};
    struct msg ann, bob;
    struct buf text;
    buf_init(&text, 4096);
    uint32_t before = inbox("ann@example.org", NULL, NULL, 0);
    assert_int_equal(send_one(rcpts, SPAN("Subject: a\r\n\r\nb\r\n"), 1), ERR_OK);
    assert_int_equal(inbox("ann@example.org", &ann, &text, 4096),
                     before + 1); /* named twice, delivered once */
    unit_assert_span(
        buf_span(&text),
        "Return-Path: <from@example.net>\r\nReceived: by here\r\nSubject: a\r\n\r\nb\r\n");
    buf_reset(&text);
    inbox("bob@example.org", &bob, &text, 4096);
    assert_int_equal(ann.blob, bob.blob);
    assert_int_equal(ann.bytes, text.n);
    buf_fini(&text);
}

/* 3 MB go ahead in chunks, more than may be on their way at a time. */
static void large(void **state)
{
    (void)state;
    static const char *const rcpts[] = {"ann@example.org", NULL};
    static char line[1024];
    memset(line, 'x', sizeof line - 2);
    memcpy(line + sizeof line - 2, "\r\n", 2);
    struct msg m;
    struct buf text;
    buf_init(&text, 4u << 20);
    assert_int_equal(send_one(rcpts, span_of(line, sizeof line), 3000), ERR_OK);
    inbox("ann@example.org", &m, &text, 4u << 20);
    assert_true(m.bytes > 3000 * sizeof line && m.bytes == text.n);
    assert_memory_equal(text.p + text.n - sizeof line, line, sizeof line);
    buf_fini(&text);
}

/* Small enough that no chunk goes ahead: nothing is under way when the loop is freed. */
static enum err state_after(struct route *r, const char *body, size_t times)
{
    struct fault f = FAULT_NONE;
    struct loop *l;
    struct actor actor = {.kind = ACTOR_SMTP};
    assert_int_equal(loop_new(&l, &f), ERR_OK);
    struct delivery *d =
        delivery_begin(r, l, address_of("from@example.net"), &actor, sent_ready, NULL);
    assert_int_equal(delivery_rcpt(d, address_of("ann@example.org"), &f), ERR_OK);
    delivery_trace(d, SPAN("Received: by here\r\n"));
    for (size_t i = 0; i < times; i++)
        delivery_write(d, span_cstr(body));
    enum err e = delivery_state(d, &f);
    delivery_abort(&d);
    assert_null(d);
    loop_free(&l);
    return e;
}

static void hops_and_size(void **state)
{
    (void)state;
    struct route_options o = *route_options(route);
    o.message_bytes = 16u << 10;
    struct route *r = route_new(town.store, &o);
    assert_int_equal(state_after(r, "Received: x\r\n", o.hop_count), ERR_OK);
    assert_int_equal(state_after(r, "Received: x\r\n", o.hop_count + 1), ERR_LIMIT);
    assert_int_equal(state_after(r, "0123456789abcdef", o.message_bytes / 16), ERR_OK);
    assert_int_equal(state_after(r, "0123456789abcdef", o.message_bytes / 16 + 1), ERR_LIMIT);
    route_free(&r);
}

static void rcpt_count(void **state)
{
    (void)state;
    struct fault f = FAULT_NONE;
    struct loop *l;
    struct actor actor = {.kind = ACTOR_SMTP};
    assert_int_equal(loop_new(&l, &f), ERR_OK);
    struct delivery *d =
        delivery_begin(route, l, address_of("from@example.net"), &actor, sent_ready, NULL);
    assert_int_equal(delivery_rcpt(d, address_of("nobody@example.org"), &f), ERR_NOTFOUND);
    assert_int_equal(delivery_rcpt(d, address_of("ann@elsewhere.test"), &f), ERR_DENIED);
    assert_int_equal(delivery_rcpts(d), 0);
    for (unsigned i = 0; i < route_options(route)->rcpt_count; i++)
        assert_int_equal(delivery_rcpt(d, address_of("ann@example.org"), &f), ERR_OK);
    assert_int_equal(delivery_rcpt(d, address_of("bob@example.org"), &f), ERR_LIMIT);
    delivery_abort(&d);
    loop_free(&l);
}

/* A lab makes the accounts when the message is there, many at once. */
static void lab_makes_accounts(void **state)
{
    (void)state;
    static const char *rcpts[41];
    static char names[40][32];
    struct route *other = route;
    struct route_options o = *route_options(route);
    o.lab = true;
    for (size_t i = 0; i < UNIT_COUNT(names); i++) {
        snprintf(names[i], sizeof names[i], "new%zu@lab%zu.test", i, i % 3);
        rcpts[i] = names[i];
        assert_int_equal(inbox(names[i], NULL, NULL, 0), 0);
    }
    route = route_new(town.store, &o);
    for (uint32_t k = 1; k <= 2; k++) {
        assert_int_equal(send_one(rcpts, SPAN("\r\nb\r\n"), 1), ERR_OK);
        for (size_t i = 0; i < UNIT_COUNT(names); i++)
            assert_int_equal(inbox(names[i], NULL, NULL, 0), k);
    }
    route_free(&route);
    route = other;
}

static int setup(void **state)
{
    (void)state;
    struct route_options o = route_options_default;
    o.message_bytes = 4u << 20;
    o.rcpt_count = 50;
    o.hop_count = 20;
    town_open(&town);
    town_write(&town,
               (struct town_plan){.domains = domains, .accounts = accounts, .aliases = aliases});
    route = route_new(town.store, &o);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    route_free(&route);
    town_close(&town);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_copy_for_all),   cmocka_unit_test(large),
        cmocka_unit_test(hops_and_size),      cmocka_unit_test(rcpt_count),
        cmocka_unit_test(lab_makes_accounts),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
