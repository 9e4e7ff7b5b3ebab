#include "smtpd/smtpd.h"

#include "tests/unit/net/peer.h"
#include "tests/unit/route/town.h"

/* A service at work: its limits, its deadlines and its end. What the verbs say is in tests/dialog/smtp. */
static struct town town;
static struct route *route;

static const char *const domains[] = {"example.org", NULL};
static const char *const accounts[] = {"ann@example.org", NULL};

struct service {
    struct peer_loop acceptor, loop;
    struct listen *listen;
    struct smtpd *smtpd;
};

static void service_start(struct service *s, const struct smtpd_limits *limits)
{
    struct fault f = FAULT_NONE;
    struct smtpd_options o = {.hostname = "mx.example.org", .route = route, .limits = *limits};
    peer_loop_start(&s->acceptor);
    peer_loop_start(&s->loop);
    assert_int_equal(listen_open(SPAN("127.0.0.1:0"), &s->listen, &f), ERR_OK);
    s->smtpd = smtpd_new(&o);
    smtpd_listen(s->smtpd, s->listen, s->acceptor.loop, &s->loop.loop, 1);
}

static void service_wait(struct service *s)
{
    while (smtpd_sessions(s->smtpd) > 0)
        usleep(1000);
}

static void service_end(struct service *s)
{
    smtpd_stop(s->smtpd);
    service_wait(s);
    peer_loop_end(&s->acceptor);
    peer_loop_end(&s->loop);
    listen_stop(s->listen);
    listen_close(&s->listen);
    smtpd_free(&s->smtpd);
    assert_null(s->smtpd);
}

static int dial(const struct service *s)
{
    struct span where = listen_where(s->listen);
    uint32_t port = 0;
    assert_true(span_u32(span_from(where, strlen("127.0.0.1:")), &port));
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    struct timeval patience = {.tv_sec = PEER_WAIT_S};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static void say(int fd, const char *z)
{
    assert_int_equal(send(fd, z, strlen(z), MSG_NOSIGNAL), (ssize_t)strlen(z));
}

/* Reads until text holds what, which must come. */
static void hear(int fd, const char *what)
{
    char text[16384];
    size_t n = 0;
    text[0] = '\0';
    while (!strstr(text, what)) {
        ssize_t got = recv(fd, text + n, sizeof text - 1 - n, 0);
        if (got <= 0)
            fail_msg("\"%s\" did not come, but \"%s\"", what, text);
        n += (size_t)got;
        text[n] = '\0';
    }
}

static void hear_end(int fd)
{
    char rest[4096];
    while (recv(fd, rest, sizeof rest, 0) > 0)
        ;
    close(fd);
}

static const char envelope[] =
    "EHLO me.test\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<ann@example.org>\r\n";

static void limits_of_a_session(void **state)
{
    (void)state;
    struct service s;
    struct smtpd_limits l = smtpd_limits_default;
    l.line_bytes = 512;
    l.error_count = 3;
    l.junk_count = 5;
    l.turn_count = 2;
    service_start(&s, &l);
    int fd = dial(&s);
    say(fd, "NOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\n");
    hear(fd, "250 2.0.0 ok\r\n421 4.7.0 too many commands without a message\r\n");
    hear_end(fd);
    fd = dial(&s);
    say(fd, "X\r\nX\r\nX\r\nX\r\n");
    hear(fd, "500 5.5.1 no such command\r\n421 4.7.0 too many errors\r\n");
    hear_end(fd);
    fd = dial(&s);
    char line[600];
    memset(line, 'N', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    say(fd, line);
    hear(fd, "500 5.5.2 line too long\r\n"); /* before its end has come */
    say(fd, "\r\nNOOP\r\n");
    hear(fd, "250 2.0.0 ok\r\n");
    close(fd);
    service_end(&s);
}

static void limit_of_sessions(void **state)
{
    (void)state;
    struct service s;
    struct smtpd_limits l = smtpd_limits_default;
    l.session_count = 2;
    service_start(&s, &l);
    int one = dial(&s), two = dial(&s);
    hear(one, "220 ");
    hear(two, "220 ");
    int three = dial(&s);
    hear(three, "421 4.3.2 too many connections");
    hear_end(three);
    say(one, "QUIT\r\n");
    hear_end(one);
    while (smtpd_sessions(s.smtpd) > 1)
        usleep(1000);
    int four = dial(&s);
    hear(four, "220 ");
    close(two);
    close(four);
    service_end(&s);
}

/* Deadlines are of commands and messages, not of reads. */
static void deadlines(void **state)
{
    (void)state;
    struct service s;
    struct smtpd_limits l = smtpd_limits_default;
    l.command_ms = 50;
    service_start(&s, &l);
    int idle = dial(&s), data = dial(&s), chunk = dial(&s), refused = dial(&s);
    say(data, envelope);
    say(data, "DATA\r\nhalf a li");
    say(chunk, envelope);
    say(chunk, "BDAT 1000\r\nhalf a ch");
    say(refused, "BDAT 1000\r\nhalf a ch");
    hear(idle, "421 4.4.2 ");
    hear(data, "421 4.4.2 ");
    hear(chunk, "421 4.4.2 ");
    hear(refused, "421 4.4.2 ");
    hear_end(idle);
    hear_end(data);
    hear_end(chunk);
    hear_end(refused);
    service_wait(&s);
    service_end(&s);
}

/* RFC 5321 §3.8: 421 to those who wait; a message that is on its way is taken first. */
static void stops(void **state)
{
    (void)state;
    struct service s;
    service_start(&s, &smtpd_limits_default);
    int idle = dial(&s), data = dial(&s);
    hear(idle, "220 ");
    say(data, envelope);
    say(data, "DATA\r\n");
    hear(data, "354 ");
    smtpd_stop(s.smtpd);
    hear(idle, "421 4.3.2 ");
    hear_end(idle);
    say(data, "Subject: a\r\n\r\nb\r\n.\r\n");
    hear(data, "250 2.0.0 kept as ");
    hear_end(data);
    service_end(&s);
}

/* Nobody can hold up the end: neither half a message nor a peer that does not read. */
static void cuts(void **state)
{
    (void)state;
    struct service s;
    service_start(&s, &smtpd_limits_default);
    int data = dial(&s), chunk = dial(&s);
    say(data, envelope);
    say(data, "DATA\r\nhalf a li");
    hear(data, "354 ");
    say(chunk, envelope);
    say(chunk, "BDAT 1000\r\nhalf a ch");
    hear(chunk, "250 2.1.5 ");
    smtpd_stop(s.smtpd);
    smtpd_cut(s.smtpd);
    hear_end(data);
    hear_end(chunk);
    service_wait(&s);
    service_end(&s);
}

/* A peer that goes away at any byte leaves nothing behind: the sanitizers look. */
static void cut_anywhere(void **state)
{
    (void)state;
    static const char script[] =
        "EHLO me\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<ann@example.org>\r\nDATA\r\n..a\r\n.\r\n"
        "MAIL FROM:<a@b.test>\r\nRCPT TO:<ann@example.org>\r\nBDAT 4\r\nab\r\nBDAT 2 LAST\r\n"
        "\r\nRSET\r\nQUIT\r\n";
    struct service s;
    service_start(&s, &smtpd_limits_default);
    for (size_t n = 0; n < sizeof script; n++) {
        int fd = dial(&s);
        if (n > 0)
            assert_int_equal(send(fd, script, n, MSG_NOSIGNAL), (ssize_t)n);
        if (n % 2)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
        close(fd);
    }
    service_wait(&s);
    service_end(&s);
}

static int setup(void **state)
{
    (void)state;
    struct route_options o = route_options_default;
    town_open(&town);
    town_write(&town, (struct town_plan){.domains = domains, .accounts = accounts});
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
        cmocka_unit_test(limits_of_a_session),
        cmocka_unit_test(limit_of_sessions),
        cmocka_unit_test(deadlines),
        cmocka_unit_test(stops),
        cmocka_unit_test(cuts),
        cmocka_unit_test(cut_anywhere),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
