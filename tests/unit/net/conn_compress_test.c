#include "net/conn.h"

#include "tests/unit/net/peer.h"

#include "common/must.h"

#include <malloc.h>
#include <zlib.h>

/* A session of lines: "echo TEXT", "deflate", "plain", "hop" to the other loop, "hold" until the case resumes it, "flood". */
struct session {
    struct conn *conn;
    struct loop *loops[2];
    unsigned at;
    int fd;
    struct peer_diary diary;
    size_t flood_left;
};

#define FLOOD_BYTES (4u << 20)

static void session_moved(void *owner)
{
    struct session *s = owner;
    must(loop_here(s->loops[s->at]));
}

static void session_flood(struct session *s)
{
    static const char text[1024] = "0123456789abcdef";
    while (s->flood_left > 0 && conn_has_room(s->conn)) {
        conn_send(s->conn, span_of(text, sizeof text));
        s->flood_left -= sizeof text;
    }
    if (s->flood_left > 0)
        conn_want_room(s->conn);
}

/* True: the rest has to wait. */
static bool session_line(struct session *s, struct span line, size_t used)
{
    bool stop = false;
    conn_used(s->conn, used);
    if (span_starts_ci(line, SPAN("echo "))) {
        conn_send(s->conn, span_from(line, 5));
        conn_send(s->conn, SPAN("\n"));
    } else if (span_eq(line, SPAN("deflate"))) {
        if (!conn_compress(s->conn, SPAN("packed\n")))
            conn_send(s->conn, SPAN("refused\n"));
    } else if (span_eq(line, SPAN("plain"))) {
        if (!conn_uncompress(s->conn, SPAN("unpacked\n")))
            conn_send(s->conn, SPAN("refused\n"));
    } else if (span_eq(line, SPAN("hop"))) {
        s->at = !s->at;
        conn_move(s->conn, s->loops[s->at], session_moved);
        stop = true;
    } else if (span_eq(line, SPAN("hold"))) {
        conn_pause(s->conn);
        peer_note(&s->diary, "hold");
        stop = true;
    } else if (span_eq(line, SPAN("again"))) {
        conn_again(s->conn);
        stop = true;
    } else if (span_eq(line, SPAN("flood"))) {
        s->flood_left = FLOOD_BYTES;
        session_flood(s);
    }
    return stop;
}

static size_t session_bytes(void *owner, struct span in)
{
    struct session *s = owner;
    size_t used = 0;
    while (used < in.n) {
        size_t eol = span_find(span_from(in, used), '\n');
        if (used + eol == in.n)
            break;
        used += eol + 1;
        if (session_line(s, span_of(in.p + used - eol - 1, eol), used))
            break;
    }
    return used;
}

static void session_room(void *owner)
{
    session_flood(owner);
}

static void session_late(void *owner)
{
    (void)owner;
}

static void session_secured(void *owner)
{
    (void)owner;
}

static void session_closed(void *owner, const char *why)
{
    struct session *s = owner;
    peer_note(&s->diary, why);
    peer_note(&s->diary, "ended");
}

static const struct conn_events session_events = {session_bytes, session_room, session_late,
                                                  session_secured, session_closed};

static void session_open_here(void *arg)
{
    struct session *s = arg;
    s->conn = conn_new(s->loops[0], s->fd, NULL, SPAN("127.0.0.1:1"), SPAN("127.0.0.1:2"), 4096,
                       &session_events, s);
}

static void session_resume_here(void *arg)
{
    conn_resume(((struct session *)arg)->conn);
}

static void session_drop_here(void *arg)
{
    conn_drop(((struct session *)arg)->conn, "full");
}

/* --- the client --- */

struct client {
    struct session s;
    int fd;
    z_stream out, in;
};

static struct peer_loop two[2];

static void client_begin(struct client *c)
{
    int ends[2];
    memset(c, 0, sizeof *c);
    peer_pair(ends);
    c->fd = ends[0];
    c->s.fd = ends[1];
    c->s.loops[0] = two[0].loop;
    c->s.loops[1] = two[1].loop;
    peer_diary_init(&c->s.diary);
    assert_int_equal(deflateInit2(&c->out, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(inflateInit2(&c->in, -15), Z_OK);
    peer_on(two[0].loop, session_open_here, &c->s);
}

static void client_end(struct client *c, const char *why)
{
    close(c->fd);
    peer_await(&c->s.diary, "ended", 1);
    peer_on(two[0].loop, peer_nothing, NULL);
    peer_on(two[1].loop, peer_nothing, NULL);
    if (why) /* without: what was not read decides how it ends */
        assert_int_equal(peer_noted(&c->s.diary, why), 1);
    peer_diary_fini(&c->s.diary);
    deflateEnd(&c->out);
    inflateEnd(&c->in);
}

static size_t client_pack(struct client *c, struct span text, int flush, char *to, size_t room)
{
    c->out.next_in = (Bytef *)(uintptr_t)text.p;
    c->out.avail_in = (uInt)text.n;
    c->out.next_out = (Bytef *)to;
    c->out.avail_out = (uInt)room;
    assert_true(deflate(&c->out, flush) >= Z_OK);
    assert_true(c->out.avail_out > 0);
    return room - c->out.avail_out;
}

static void client_say(struct client *c, struct span text)
{
    char packed[4096];
    peer_put(c->fd, span_of(packed, client_pack(c, text, Z_SYNC_FLUSH, packed, sizeof packed)));
}

/* The next bytes, when they are uncompressed, are these. */
static void client_hear(struct client *c, struct span want)
{
    while (want.n > 0) {
        char raw[1], got[4096];
        ssize_t r = recv(c->fd, raw, 1, 0); /* not beyond the end of the compression */
        assert_int_equal(r, 1);
        c->in.next_in = (Bytef *)raw;
        c->in.avail_in = 1;
        c->in.next_out = (Bytef *)got;
        c->in.avail_out = (uInt)(want.n < sizeof got ? want.n : sizeof got);
        size_t room = c->in.avail_out;
        assert_true(inflate(&c->in, Z_SYNC_FLUSH) >= Z_OK);
        size_t n = room - c->in.avail_out;
        assert_memory_equal(got, want.p, n);
        want = span_from(want, n);
    }
}

/* --- cases --- */

static void compress_both_ways(void **state)
{
    (void)state;
    struct client c;
    client_begin(&c);
    peer_put(c.fd, SPAN("echo one\ndeflate\n"));
    peer_expect(c.fd, "one\npacked\n");
    client_say(&c, SPAN("echo two\nec"));
    client_hear(&c, SPAN("two\n"));
    client_say(&c, SPAN("ho three\nagain\necho four\nhop\necho five\nhold\necho six\n"));
    client_hear(&c, SPAN("three\nfour\nfive\n"));
    peer_await(&c.s.diary, "hold", 1);
    client_say(&c, SPAN("echo seven\ndeflate\n"));
    peer_on(two[1].loop, session_resume_here, &c.s);
    client_hear(&c, SPAN("six\nseven\nrefused\n"));
    client_end(&c, NULL);
}

/* Byte for byte from the peer: no reader sees a difference. */
static void compress_bytewise(void **state)
{
    (void)state;
    struct client c;
    char packed[4096];
    client_begin(&c);
    peer_put(c.fd, SPAN("deflate\n"));
    peer_expect(c.fd, "packed\n");
    size_t n = client_pack(&c, SPAN("echo one\necho two\nhop\necho three\n"), Z_SYNC_FLUSH, packed,
                           sizeof packed);
    for (size_t i = 0; i < n; i++)
        peer_put(c.fd, span_of(packed + i, 1));
    client_hear(&c, SPAN("one\ntwo\nthree\n"));
    client_end(&c, NULL);
}

/* The end of it, with plain text close behind, also when the line was not looked at for a while; then once more. */
static void compress_ends(void **state)
{
    (void)state;
    for (int held = 0; held < 2; held++) {
        struct client c;
        char packed[4096];
        client_begin(&c);
        peer_put(c.fd, SPAN("deflate\n"));
        peer_expect(c.fd, "packed\n");
        struct span line = held ? SPAN("hold\nagain\nplain\n") : SPAN("echo x\nplain\n");
        size_t n = client_pack(&c, line, Z_SYNC_FLUSH, packed, sizeof packed - 100);
        static const struct span behind = {"echo clear\nagain\ndeflate\n", 25};
        memcpy(packed + n, behind.p, behind.n);
        peer_put(c.fd, span_of(packed, n + behind.n));
        if (held) {
            peer_await(&c.s.diary, "hold", 1);
            peer_on(two[0].loop, session_resume_here, &c.s);
        }
        client_hear(&c, held ? SPAN("unpacked\n") : SPAN("x\nunpacked\n"));
        static const unsigned char flush[4] = {0, 0, 0xff, 0xff};
        unsigned char last4[4] = {1, 1, 1, 1};
        while (memcmp(last4, flush, 4) != 0) {
            memmove(last4, last4 + 1, 3);
            assert_int_equal(recv(c.fd, last4 + 3, 1, 0), 1);
        }
        peer_expect(c.fd, "clear\npacked\n");
        deflateReset(&c.out);
        inflateReset(&c.in);
        client_say(&c, SPAN("echo again\n"));
        client_hear(&c, SPAN("again\n"));
        client_end(&c, NULL);
    }
}

/* What stands behind the line is no part of what was asked. */
static void compress_injected(void **state)
{
    (void)state;
    struct client c;
    client_begin(&c);
    peer_put(c.fd, SPAN("deflate\necho one\n"));
    peer_expect(c.fd, "refused\none\n");
    peer_put(c.fd, SPAN("plain\necho two\n"));
    peer_expect(c.fd, "unpacked\ntwo\n");
    client_end(&c, NULL);
}

/* Large output to a peer that reads slowly. */
static void compress_floods(void **state)
{
    (void)state;
    struct client c;
    client_begin(&c);
    peer_put(c.fd, SPAN("deflate\n"));
    peer_expect(c.fd, "packed\n");
    client_say(&c, SPAN("flood\n"));
    char raw[4096], plain[8192];
    size_t total = 0;
    while (total < FLOOD_BYTES) {
        ssize_t n = recv(c.fd, raw, sizeof raw, 0);
        assert_true(n > 0);
        c.in.next_in = (Bytef *)raw;
        c.in.avail_in = (uInt)n;
        do {
            c.in.next_out = (Bytef *)plain;
            c.in.avail_out = sizeof plain;
            assert_true(inflate(&c.in, Z_SYNC_FLUSH) >= Z_BUF_ERROR);
            total += sizeof plain - c.in.avail_out;
        } while (c.in.avail_out == 0);
    }
    assert_int_equal(total, FLOOD_BYTES);
    client_end(&c, NULL);
}

/* 16 MiB without a line end, in 16 KiB: what nobody takes is not uncompressed. */
static void compress_bomb(void **state)
{
    (void)state;
    static char x[1u << 20], packed[64u << 10];
    struct client c;
    memset(x, 'x', sizeof x);
    client_begin(&c);
    peer_put(c.fd, SPAN("deflate\n"));
    peer_expect(c.fd, "packed\n");
    size_t n = 0;
    for (int i = 0; i < 16; i++)
        n += client_pack(&c, span_of(x, sizeof x), i < 15 ? Z_NO_FLUSH : Z_SYNC_FLUSH, packed + n,
                         sizeof packed - n);
    size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    peer_put(c.fd, span_of(packed, n));
    for (int i = 0; i < 20; i++)
        peer_on(two[0].loop, peer_nothing, NULL);
    assert_true(mallinfo2().uordblks + mallinfo2().hblkhd < before + (256u << 10));
    peer_on(two[0].loop, session_drop_here, &c.s);
    client_end(&c, "full");
}

static void compress_garbage(void **state)
{
    (void)state;
    struct client c;
    client_begin(&c);
    peer_put(c.fd, SPAN("deflate\n"));
    peer_expect(c.fd, "packed\n");
    peer_put(c.fd, SPAN("\xff\xff\xff\xff"));
    peer_await(&c.s.diary, "ended", 1);
    client_end(&c, "compressed data is damaged");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compress_both_ways), cmocka_unit_test(compress_bytewise),
        cmocka_unit_test(compress_ends),      cmocka_unit_test(compress_injected),
        cmocka_unit_test(compress_floods),    cmocka_unit_test(compress_bomb),
        cmocka_unit_test(compress_garbage),
    };
    peer_loop_start(&two[0]);
    peer_loop_start(&two[1]);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    peer_loop_end(&two[0]);
    peer_loop_end(&two[1]);
    return failed;
}
