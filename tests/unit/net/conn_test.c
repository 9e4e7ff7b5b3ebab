#include "net/conn.h"

#include "tests/unit/net/peer.h"

#include "common/clock.h"
#include "common/must.h"

#include <malloc.h>

/* A session: a line protocol of which each case uses what it needs.
 *   echo TEXT   sends TEXT back          hold     pauses; the case resumes
 *   again       yields after this line   quit     says bye and closes
 *   drop        drops                    tls      begins TLS        tls-blind  the same without conn_used
 *   flood N     sends N KiB as room allows         hop      moves to the other loop
 *   stuck       from now on takes nothing
 * What runs on a loop's thread says must: the assertions of cmocka are for the main thread. */
struct session {
    struct conn *conn;
    struct loop *loops[2];
    unsigned at;
    int fd;
    struct tls *tls, *implicit;
    size_t input_bytes;
    uint64_t deadline_ms;
    struct peer_diary diary;
    size_t flood_left, flood_at, most_waiting;
    bool stuck;
};

static void session_flood(struct session *s)
{
    char chunk[16384];
    while (s->flood_left > 0 && conn_has_room(s->conn)) {
        size_t n = s->flood_left < sizeof chunk ? s->flood_left : sizeof chunk;
        for (size_t i = 0; i < n; i++)
            chunk[i] = (char)((s->flood_at + i) % 251);
        conn_send(s->conn, span_of(chunk, n));
        s->flood_at += n;
        s->flood_left -= n;
        if (conn_waiting(s->conn) > s->most_waiting)
            s->most_waiting = conn_waiting(s->conn);
    }
    if (s->flood_left > 0)
        conn_want_room(s->conn);
}

static void session_moved(void *owner)
{
    struct session *s = owner;
    must(loop_here(s->loops[s->at]));
    must(conn_loop(s->conn) == s->loops[s->at]);
}

static void session_tls(struct session *s)
{
    if (conn_starttls(s->conn, s->tls))
        conn_send(s->conn, SPAN("go ahead\n"));
    else
        conn_send(s->conn, SPAN("refused\n"));
}

/* True: the rest of the input has to wait. */
static bool session_line(struct session *s, struct span line, size_t used)
{
    uint64_t kib;
    if (span_starts_ci(line, SPAN("echo "))) {
        conn_send(s->conn, span_from(line, 5));
        conn_send(s->conn, SPAN("\n"));
    } else if (span_starts_ci(line, SPAN("flood ")) && span_u64(span_from(line, 6), &kib)) {
        s->flood_left = kib * 1024;
        session_flood(s);
    } else if (span_eq(line, SPAN("hold"))) {
        conn_pause(s->conn);
        peer_note(&s->diary, "hold");
        return true;
    } else if (span_eq(line, SPAN("again"))) {
        conn_again(s->conn);
        return true;
    } else if (span_eq(line, SPAN("quit"))) {
        conn_send(s->conn, SPAN("bye\n"));
        conn_close(s->conn);
    } else if (span_eq(line, SPAN("drop"))) {
        conn_send(s->conn, SPAN("never seen\n"));
        conn_drop(s->conn, "dropped");
        conn_close(s->conn);
        conn_drop(s->conn, "dropped again");
    } else if (span_eq(line, SPAN("tls"))) {
        conn_used(s->conn, used);
        session_tls(s);
    } else if (span_eq(line, SPAN("tls-blind"))) {
        session_tls(s);
        return true;
    } else if (span_eq(line, SPAN("hop"))) {
        s->at = !s->at;
        conn_move(s->conn, s->loops[s->at], session_moved);
        return true;
    } else if (span_eq(line, SPAN("stuck"))) {
        s->stuck = true;
        return true;
    }
    return false;
}

static size_t session_bytes(void *owner, struct span in)
{
    struct session *s = owner;
    size_t used = 0;
    must(loop_here(s->loops[s->at]));
    while (!s->stuck && used < in.n) {
        struct span rest = span_from(in, used);
        size_t eol = span_find(rest, '\n');
        if (eol == rest.n)
            break;
        used += eol + 1;
        if (session_line(s, span_to(rest, eol), used))
            break;
    }
    return used;
}

static void session_room(void *owner)
{
    struct session *s = owner;
    peer_note(&s->diary, "room");
    session_flood(s);
}

static void session_late(void *owner)
{
    struct session *s = owner;
    peer_note(&s->diary, "late");
    conn_send(s->conn, SPAN("late\n"));
    conn_close(s->conn);
}

static void session_secured(void *owner)
{
    struct session *s = owner;
    must(conn_is_tls(s->conn));
    must(span_starts_ci(conn_tls_text(s->conn), SPAN("TLSv1.")));
    peer_note(&s->diary, "secured");
    conn_send(s->conn, SPAN("secured\n"));
}

static void session_closed(void *owner, const char *why)
{
    struct session *s = owner;
    peer_note(&s->diary, "ended");
    peer_note(&s->diary, why);
}

static const struct conn_events session_events = {session_bytes, session_room, session_late,
                                                  session_secured, session_closed};

static void session_open_here(void *arg)
{
    struct session *s = arg;
    s->conn = conn_new(s->loops[0], s->fd, s->implicit, SPAN("127.0.0.1:1234"),
                       SPAN("127.0.0.1:25"), s->input_bytes, &session_events, s);
    if (s->deadline_ms)
        conn_deadline(s->conn, s->deadline_ms);
}

static void session_resume_here(void *arg)
{
    struct session *s = arg;
    s->stuck = false;
    conn_resume(s->conn);
    conn_again(s->conn);
}

/* --- the frame of a case --- */

static struct peer_loop two[2];
static struct peer_certificate certificate;
static struct tls *tls;

static int session_begin(struct session *s)
{
    int ends[2];
    peer_pair(ends);
    s->fd = ends[1];
    s->loops[0] = two[0].loop;
    s->loops[1] = two[1].loop;
    s->tls = tls;
    if (!s->input_bytes)
        s->input_bytes = 4096;
    peer_diary_init(&s->diary);
    peer_on(s->loops[0], session_open_here, s);
    return ends[0];
}

/* The conn is freed at the end of the turn of `closed`; after a call on both loops that is over. */
static void session_end(struct session *s, int fd, const char *why)
{
    close(fd);
    peer_await(&s->diary, "ended", 1);
    peer_on(s->loops[0], peer_nothing, NULL);
    peer_on(s->loops[1], peer_nothing, NULL);
    assert_int_equal(peer_noted(&s->diary, "ended"), 1);
    if (why)
        assert_int_equal(peer_noted(&s->diary, why), 1);
    peer_diary_fini(&s->diary);
}

/* --- cases --- */

static void conn_echoes(void **state)
{
    (void)state;
    struct session s = {0};
    int fd = session_begin(&s);
    peer_put(fd, SPAN("echo one\nec"));
    peer_expect(fd, "one\n");
    peer_put(fd, SPAN("ho two\necho three\nagain\necho four\nagain\nagain\necho five\n"));
    peer_expect(fd, "two\nthree\nfour\nfive\n");
    session_end(&s, fd, "peer closed");
}

static void conn_pauses(void **state)
{
    (void)state;
    struct session s = {0};
    int fd = session_begin(&s);
    peer_put(fd, SPAN("echo a\nhold\necho b\n"));
    peer_expect(fd, "a\n");
    peer_await(&s.diary, "hold", 1);
    peer_put(fd, SPAN("echo c\n"));
    char c;
    peer_on(two[0].loop, peer_nothing, NULL);
    assert_int_equal(recv(fd, &c, 1, MSG_DONTWAIT), -1);
    peer_on(two[0].loop, session_resume_here, &s);
    peer_expect(fd, "b\nc\n");
    session_end(&s, fd, "peer closed");
}

static void session_kept_here(void *arg)
{
    struct session *s = arg;
    must(conn_bytes_in(s->conn) <= s->input_bytes + sizeof "stuck");
}

/* Input that nobody takes stays with the peer. */
static void conn_bounds_input(void **state)
{
    (void)state;
    struct session s = {.input_bytes = 1000};
    int fd = session_begin(&s);
    peer_put(fd, SPAN("stuck\n"));
    size_t lines = 0;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    static const struct span line = {"echo 0123456789abcdef\n", 22};
    while (send(fd, line.p, line.n, MSG_NOSIGNAL) == (ssize_t)line.n && lines < 100000)
        lines++;
    fcntl(fd, F_SETFL, 0);
    for (int i = 0; i < 10; i++)
        peer_on(two[0].loop, peer_nothing, NULL);
    peer_on(two[0].loop, session_kept_here, &s);
    /* the last line may have gone only in part */
    peer_on(two[0].loop, session_resume_here, &s);
    for (size_t i = 0; i < lines; i++)
        peer_expect(fd, "0123456789abcdef\n");
    session_end(&s, fd, NULL);
}

/* A peer that does not read costs a bounded amount, and gets everything once it does. */
static void conn_bounds_output(void **state)
{
    (void)state;
    struct session s = {.implicit = *state};
    int fd = session_begin(&s);
    SSL *ssl = NULL;
    if (s.implicit) {
        ssl = peer_tls(fd, NULL, NULL);
        assert_int_equal(SSL_do_handshake(ssl), 1);
        peer_tls_expect(ssl, "secured\n");
        peer_tls_put(ssl, SPAN("flood 16384\n"));
    } else {
        peer_put(fd, SPAN("flood 16384\n"));
    }
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&readable, 1, PEER_WAIT_S * 1000), 1);
    char got[65536];
    size_t at = 0, total = 16384u * 1024;
    while (at < total) {
        size_t n = 0;
        if (ssl) {
            assert_int_equal(SSL_read_ex(ssl, got, sizeof got, &n), 1);
        } else {
            ssize_t r = recv(fd, got, sizeof got, 0);
            assert_true(r > 0);
            n = (size_t)r;
        }
        for (size_t i = 0; i < n; i++)
            if (got[i] != (char)((at + i) % 251))
                fail_msg("byte %zu differs", at + i);
        at += n;
    }
    assert_true(peer_noted(&s.diary, "room") > 10);
    assert_true(s.most_waiting <= CONN_HIGH_BYTES + 16384);
    SSL_free(ssl);
    session_end(&s, fd, "peer closed");
}

/* printf 'commands' | nc: the end comes with the commands, the replies still go out, those that take time too. */
static void conn_half_closed(void **state)
{
    (void)state;
    struct session s = {0};
    int fd = session_begin(&s);
    peer_put(fd, SPAN("echo a\nhold\necho b\nagain\necho c\nflood 2048\n"));
    shutdown(fd, SHUT_WR);
    peer_await(&s.diary, "hold", 1);
    peer_expect(fd, "a\n");
    peer_on(two[0].loop, session_resume_here, &s);
    peer_expect(fd, "b\nc\n");
    char got[65536];
    size_t total = 0;
    for (ssize_t n; (n = recv(fd, got, sizeof got, 0)) > 0;)
        total += (size_t)n;
    assert_int_equal(total, 2048 * 1024);
    peer_await(&s.diary, "ended", 1);
    session_end(&s, fd, "peer closed");
}

static void session_unpause_here(void *arg)
{
    struct session *s = arg;
    conn_resume(s->conn);
}

/* The end is read before the command that takes time is. */
static void conn_half_closed_early(void **state)
{
    (void)state;
    struct session s = {0};
    int fd = session_begin(&s);
    peer_put(fd, SPAN("hold\n"));
    peer_await(&s.diary, "hold", 1);
    peer_put(fd, SPAN("again\nhold\necho b\n"));
    shutdown(fd, SHUT_WR);
    peer_on(two[0].loop, session_unpause_here, &s);
    peer_await(&s.diary, "hold", 2);
    peer_on(two[0].loop, session_unpause_here, &s);
    peer_expect(fd, "b\n");
    peer_expect_end(fd);
    session_end(&s, fd, "peer closed");
}

static void session_quit_here(void *arg)
{
    struct session *s = arg;
    conn_send(s->conn, SPAN("bye\n"));
    conn_close(s->conn);
    conn_send(s->conn, SPAN("too late\n"));
}

/* The last reply arrives although the peer's input was not read: no reset overtakes it. */
static void conn_says_goodbye(void **state)
{
    (void)state;
    static char junk[100000];
    clock_freeze(1700000000);
    struct session s = {0};
    int fd = session_begin(&s);
    peer_put(fd, SPAN("hold\n"));
    peer_await(&s.diary, "hold", 1);
    peer_put(fd, span_of(junk, sizeof junk));
    peer_on(two[0].loop, session_quit_here, &s);
    peer_expect(fd, "bye\n");
    peer_expect_end(fd);
    peer_put(fd, span_of(junk, sizeof junk)); /* still taken, as long as there is time */
    session_end(&s, fd, "closed");
    clock_thaw();
}

static void conn_drops(void **state)
{
    (void)state;
    struct session s = {0};
    int fd = session_begin(&s);
    peer_put(fd, SPAN("drop\n"));
    peer_expect_end(fd);
    session_end(&s, fd, "dropped");
}

static void conn_deadline_obeys_the_clock(void **state)
{
    (void)state;
    clock_freeze(1700000000);
    struct session s = {.deadline_ms = 60000};
    int fd = session_begin(&s);
    clock_advance(59999);
    peer_put(fd, SPAN("echo still here\n"));
    peer_expect(fd, "still here\n");
    assert_int_equal(peer_noted(&s.diary, "late"), 0);
    clock_advance(1);
    peer_expect(fd, "late\n");
    peer_expect_end(fd);
    session_end(&s, fd, "closed");
    clock_thaw();
}

static void conn_handshake_deadline(void **state)
{
    (void)state;
    clock_freeze(1700000000);
    struct session s = {.implicit = tls};
    int fd = session_begin(&s);
    clock_advance(29999);
    peer_on(two[0].loop, peer_nothing, NULL);
    assert_int_equal(peer_noted(&s.diary, "ended"), 0);
    clock_advance(1);
    peer_expect_end(fd);
    session_end(&s, fd, "TLS handshake took too long");
    clock_thaw();
}

static void conn_speaks_tls(void **state)
{
    (void)state;
    struct session s = {.implicit = tls};
    int fd = session_begin(&s);
    SSL *ssl = peer_tls(fd, certificate.ca, NULL);
    assert_int_equal(SSL_do_handshake(ssl), 1);
    peer_tls_expect(ssl, "secured\n");
    struct buf many;
    buf_init(&many, 1u << 20);
    for (int i = 0; i < 3000; i++)
        buf_addz(&many, "echo x\n");
    buf_addz(&many, "hold\necho y\n");
    peer_tls_put(ssl, buf_span(&many)); /* more than one record: some wait inside OpenSSL */
    buf_fini(&many);
    for (int i = 0; i < 3000; i++)
        peer_tls_expect(ssl, "x\n");
    peer_await(&s.diary, "hold", 1);
    peer_on(two[0].loop, session_resume_here, &s);
    peer_tls_expect(ssl, "y\n");
    peer_tls_put(ssl, SPAN("quit\n"));
    peer_tls_expect(ssl, "bye\n");
    char c;
    assert_int_equal(SSL_read(ssl, &c, 1), 0);
    assert_int_equal(SSL_get_error(ssl, 0), SSL_ERROR_ZERO_RETURN); /* close_notify came */
    SSL_free(ssl);
    session_end(&s, fd, "closed");
}

static void conn_not_tls(void **state)
{
    (void)state;
    struct session s = {.implicit = tls};
    int fd = session_begin(&s);
    peer_put(fd, SPAN("EHLO example.org\r\n"));
    peer_await(&s.diary, "ended", 1);
    session_end(&s, fd, "TLS handshake failed");
}

static void conn_upgrades(void **state)
{
    (void)state;
    struct session s = {0};
    int fd = session_begin(&s);
    peer_put(fd, SPAN("echo clear\ntls\n"));
    peer_expect(fd, "clear\ngo ahead\n");
    SSL *ssl = peer_tls(fd, certificate.ca, NULL);
    assert_int_equal(SSL_do_handshake(ssl), 1);
    peer_tls_expect(ssl, "secured\n");
    peer_tls_put(ssl, SPAN("echo hidden\ntls\n"));
    peer_tls_expect(ssl, "hidden\nrefused\n");
    SSL_shutdown(ssl);
    SSL_free(ssl);
    session_end(&s, fd, "peer closed");
}

static void conn_refuses_injection(void **state)
{
    (void)state;
    struct session s = {0};
    int fd = session_begin(&s);
    peer_put(fd, SPAN("tls\necho injected\n"));
    peer_expect(fd,
                "refused\ninjected\n"); /* nothing happened, and the session goes on in the clear */
    session_end(&s, fd, "peer closed");
    s = (struct session){0};
    fd = session_begin(&s);
    peer_put(fd, SPAN("tls-blind\necho injected\n"));
    peer_await(&s.diary, "ended", 1);
    session_end(&s, fd, "input before TLS");
}

/* Lines that come while it moves from thread to thread are all there, once, in order. */
static void conn_moves(void **state)
{
    struct session s = {.implicit = *state};
    int fd = session_begin(&s);
    SSL *ssl = NULL;
    if (s.implicit) {
        ssl = peer_tls(fd, NULL, NULL);
        assert_int_equal(SSL_do_handshake(ssl), 1);
        peer_tls_expect(ssl, "secured\n");
    }
    for (int round = 0; round < 20; round++) {
        struct buf lines, replies;
        buf_init(&lines, 1u << 16);
        buf_init(&replies, 1u << 16);
        for (int i = 0; i < 50; i++) {
            buf_addf(&lines, "echo %d.%d\n%s", round, i, i % 3 ? "" : "hop\n");
            buf_addf(&replies, "%d.%d\n", round, i);
        }
        buf_byte(&replies, '\0');
        if (ssl) {
            peer_tls_put(ssl, buf_span(&lines));
            peer_tls_expect(ssl, replies.p);
        } else {
            peer_put(fd, buf_span(&lines));
            peer_expect(fd, replies.p);
        }
        buf_fini(&lines);
        buf_fini(&replies);
    }
    SSL_free(ssl);
    session_end(&s, fd, "peer closed");
}

/* A deadline goes along. */
static void conn_moves_deadline(void **state)
{
    (void)state;
    clock_freeze(1700000000);
    struct session s = {.deadline_ms = 5000};
    int fd = session_begin(&s);
    peer_put(fd, SPAN("hop\necho there\n"));
    peer_expect(fd, "there\n");
    clock_advance(5000);
    peer_expect(fd, "late\n");
    peer_expect_end(fd);
    session_end(&s, fd, "closed");
    clock_thaw();
}

struct crowd {
    struct session sessions[200];
    int fds[200];
};

static void crowd_open_here(void *arg)
{
    struct crowd *crowd = arg;
    for (size_t i = 0; i < UNIT_COUNT(crowd->sessions); i++)
        session_open_here(&crowd->sessions[i]);
}

/* An idle connection in the clear is a few hundred bytes. */
static void conn_idle_is_small(void **state)
{
    (void)state;
    static struct crowd crowd;
    for (size_t i = 0; i < UNIT_COUNT(crowd.sessions); i++) {
        struct session *s = &crowd.sessions[i];
        int ends[2];
        peer_pair(ends);
        *s = (struct session){
            .fd = ends[1], .loops = {two[0].loop, two[1].loop}, .input_bytes = 65536};
        peer_diary_init(&s->diary);
        crowd.fds[i] = ends[0];
    }
    struct mallinfo2 before = mallinfo2();
    peer_on(two[0].loop, crowd_open_here, &crowd);
    for (size_t i = 0; i < UNIT_COUNT(crowd.sessions); i++) {
        peer_put(crowd.fds[i], SPAN("echo hello\n"));
        peer_expect(crowd.fds[i], "hello\n");
    }
    peer_on(two[0].loop, peer_nothing, NULL);
    struct mallinfo2 after = mallinfo2();
    size_t each = (after.uordblks - before.uordblks) / UNIT_COUNT(crowd.sessions);
    print_message("an idle connection takes %zu bytes\n", each);
    assert_true(each < 1000);
    for (size_t i = 0; i < UNIT_COUNT(crowd.sessions); i++)
        session_end(&crowd.sessions[i], crowd.fds[i], "peer closed");
}

static void conn_knows_its_peer(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct { const char *peer, *ip; bool loopback; } cases[] = {
        {"192.0.2.1:25",        "192.0.2.1",        false},
        {"127.9.9.9:25",        "127.9.9.9",        true},
        {"[::1]:25",            "::1",              true},
        {"[2001:db8::1]:25",    "2001:db8::1",      false},
        {"[::ffff:127.0.0.1]:1","::ffff:127.0.0.1", true},
        {"",                    "",                 false},
    };
    /* clang-format on */
    struct loop *l;
    assert_int_equal(loop_new(&l, NULL), ERR_OK);
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct session s = {0};
        int ends[2];
        peer_pair(ends);
        peer_diary_init(&s.diary);
        struct conn *c = conn_new(l, ends[1], NULL, span_cstr(cases[i].peer), SPAN("127.0.0.1:25"),
                                  100, &session_events, &s);
        unit_assert_same(conn_peer(c), span_cstr(cases[i].peer));
        unit_assert_same(conn_peer_ip(c), span_cstr(cases[i].ip));
        unit_assert_span(conn_local(c), "127.0.0.1:25");
        assert_int_equal(conn_peer_loopback(c), cases[i].loopback);
        unit_assert_span(conn_tls_text(c), "");
        conn_drop(c, "enough");
        loop_stop(l);
        loop_run(l);
        close(ends[0]);
        if (i + 1 == UNIT_COUNT(cases))
            loop_free(&l); /* runs what still waits */
        else {
            loop_free(&l);
            assert_int_equal(loop_new(&l, NULL), ERR_OK);
        }
        assert_int_equal(peer_noted(&s.diary, "enough"), 1);
        peer_diary_fini(&s.diary);
    }
}

static int group_begin(void **state)
{
    (void)state;
    struct fault f = FAULT_NONE;
    peer_loop_start(&two[0]);
    peer_loop_start(&two[1]);
    peer_certificate_make(&certificate);
    return tls_open(certificate.cert, certificate.key, &tls, &f) == ERR_OK ? 0 : -1;
}

static int group_end(void **state)
{
    (void)state;
    peer_loop_end(&two[0]);
    peer_loop_end(&two[1]);
    tls_close(&tls);
    peer_certificate_remove(&certificate);
    return 0;
}

static int with_tls(void **state)
{
    *state = tls;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conn_echoes),
        cmocka_unit_test(conn_pauses),
        cmocka_unit_test(conn_bounds_input),
        cmocka_unit_test(conn_bounds_output),
        cmocka_unit_test_setup(conn_bounds_output, with_tls),
        cmocka_unit_test(conn_half_closed),
        cmocka_unit_test(conn_half_closed_early),
        cmocka_unit_test(conn_says_goodbye),
        cmocka_unit_test(conn_drops),
        cmocka_unit_test(conn_deadline_obeys_the_clock),
        cmocka_unit_test(conn_handshake_deadline),
        cmocka_unit_test(conn_speaks_tls),
        cmocka_unit_test(conn_not_tls),
        cmocka_unit_test(conn_upgrades),
        cmocka_unit_test(conn_refuses_injection),
        cmocka_unit_test(conn_moves),
        cmocka_unit_test_setup(conn_moves, with_tls),
        cmocka_unit_test(conn_moves_deadline),
        cmocka_unit_test(conn_idle_is_small),
        cmocka_unit_test(conn_knows_its_peer),
    };
    return cmocka_run_group_tests(tests, group_begin, group_end);
}
