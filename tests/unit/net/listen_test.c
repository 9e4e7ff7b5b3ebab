#include "net/listen.h"

#include "tests/unit/net/peer.h"

#include "common/must.h"

#include <sys/time.h>

static struct peer_loop two[2];

/* What came, in the order in which it did. */
struct arrivals {
    struct peer_diary diary;
    pthread_mutex_t lock;
    unsigned count;
    struct arrival {
        int fd;
        struct loop *loop;
        char peer[80], local[80];
    } all[64];
};

static void arrived(void *owner, struct loop *l, int fd, struct span peer, struct span local)
{
    struct arrivals *a = owner;
    must(loop_here(l));
    must(fcntl(fd, F_GETFL) & O_NONBLOCK);
    must(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    pthread_mutex_lock(&a->lock);
    must(a->count < UNIT_COUNT(a->all));
    struct arrival *one = &a->all[a->count++];
    one->fd = fd;
    one->loop = l;
    snprintf(one->peer, sizeof one->peer, "%.*s", SPAN_ARG(peer));
    snprintf(one->local, sizeof one->local, "%.*s", SPAN_ARG(local));
    pthread_mutex_unlock(&a->lock);
    peer_note(&a->diary, "arrived");
}

static void arrivals_init(struct arrivals *a)
{
    *a = (struct arrivals){0};
    peer_diary_init(&a->diary);
    pthread_mutex_init(&a->lock, NULL);
}

static void arrivals_fini(struct arrivals *a)
{
    for (unsigned i = 0; i < a->count; i++)
        if (a->all[i].fd >= 0)
            close(a->all[i].fd);
    peer_diary_fini(&a->diary);
    pthread_mutex_destroy(&a->lock);
}

static int dial(struct span where)
{
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    size_t at = where.n;
    while (where.p[at - 1] != ':')
        at--;
    uint32_t port = 0;
    assert_true(span_u32(span_from(where, at), &port));
    in4.sin_port = in6.sin6_port = htons((uint16_t)port);
    bool six = where.p[0] == '[';
    int fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, six ? (struct sockaddr *)&in6 : (struct sockaddr *)&in4,
                             six ? sizeof in6 : sizeof in4),
                     0);
    peer_patience(fd);
    return fd;
}

static void start(struct listen *ln, struct arrivals *a, unsigned per_ip_count)
{
    struct loop *loops[] = {two[0].loop, two[1].loop};
    listen_start(ln, two[0].loop, loops, 2, per_ip_count, SPAN("421 too many\r\n"), arrived, a);
}

static void stop_here(void *arg)
{
    listen_stop(arg);
}

static void stop(struct listen **ln)
{
    peer_on(two[0].loop, stop_here, *ln);
    peer_on(two[1].loop, peer_nothing, NULL); /* nothing is on its way any more */
    listen_close(ln);
    assert_null(*ln);
}

static void listen_hands_out(void **state)
{
    (void)state;
    static const char *const addresses[] = {"127.0.0.1:0", "[::1]:0"};
    for (size_t k = 0; k < UNIT_COUNT(addresses); k++) {
        struct listen *ln;
        struct arrivals a;
        struct fault f = FAULT_NONE;
        int fds[6];
        unsigned on_first = 0;
        enum err e = listen_open(span_cstr(addresses[k]), &ln, &f);
        if (e == ERR_IO && k == 1)
            continue; /* no IPv6 here */
        assert_int_equal(e, ERR_OK);
        arrivals_init(&a);
        fds[0] = dial(listen_where(ln)); /* before it starts: waits in the backlog */
        start(ln, &a, 0);
        for (unsigned i = 1; i < UNIT_COUNT(fds); i++)
            fds[i] = dial(listen_where(ln));
        peer_await(&a.diary, "arrived", UNIT_COUNT(fds));
        for (unsigned i = 0; i < UNIT_COUNT(fds); i++) {
            on_first += a.all[i].loop == two[0].loop;
            unit_assert_same(span_cstr(a.all[i].local), listen_where(ln));
            assert_memory_equal(a.all[i].peer, addresses[k], strlen(addresses[k]) - 1);
            close(fds[i]);
        }
        assert_int_equal(on_first, UNIT_COUNT(fds) / 2);
        stop(&ln);
        arrivals_fini(&a);
    }
}

static void listen_limits_each_address(void **state)
{
    (void)state;
    struct listen *ln;
    struct arrivals a;
    arrivals_init(&a);
    assert_int_equal(listen_open(SPAN("127.0.0.1:0"), &ln, NULL), ERR_OK);
    start(ln, &a, 2);
    int first = dial(listen_where(ln)), second = dial(listen_where(ln));
    peer_await(&a.diary, "arrived", 2);
    int third = dial(listen_where(ln));
    peer_expect(third, "421 too many\r\n");
    peer_expect_end(third);
    listen_gone(ln, span_cstr(a.all[1].peer));
    int fourth = dial(listen_where(ln));
    peer_await(&a.diary, "arrived", 3);
    listen_gone(ln, span_cstr(a.all[0].peer));
    listen_gone(ln, span_cstr(a.all[2].peer));
    listen_gone(ln, SPAN("127.0.0.1:9")); /* one too many is no harm */
    listen_gone(ln, SPAN("nonsense"));
    int fds[] = {first, second, third, fourth};
    for (unsigned i = 0; i < UNIT_COUNT(fds); i++)
        close(fds[i]);
    stop(&ln);
    arrivals_fini(&a);
}

/* Without descriptors nobody is lost and nothing spins. */
static void listen_waits_for_descriptors(void **state)
{
    (void)state;
    struct listen *ln;
    struct arrivals a;
    struct rlimit was, low;
    struct rusage before, after;
    arrivals_init(&a);
    assert_int_equal(listen_open(SPAN("127.0.0.1:0"), &ln, NULL), ERR_OK);
    int fd = dial(listen_where(ln));
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
    low = was;
    int next = dup(0); /* the lowest that is free: from there on, nothing */
    close(next);
    low.rlim_cur = (rlim_t)next;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    getrusage(RUSAGE_SELF, &before);
    start(ln, &a, 0);
    struct pollfd never = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&never, 1, 500), 0); /* half a second in which it must not spin */
    getrusage(RUSAGE_SELF, &after);
    assert_int_equal(peer_noted(&a.diary, "arrived"), 0);
    struct timeval used;
    timersub(&after.ru_utime, &before.ru_utime, &used);
    assert_true(used.tv_sec == 0 && used.tv_usec < 250000);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
    peer_await(&a.diary, "arrived", 1);
    close(fd);
    stop(&ln);
    arrivals_fini(&a);
}

/* With only the spare descriptors left a peer is told so, and the next one gets in when there are more. */
static void listen_spares_descriptors(void **state)
{
    (void)state;
    struct listen *ln;
    struct arrivals a;
    struct rlimit was, low;
    char said[4];
    arrivals_init(&a);
    assert_int_equal(listen_open(SPAN("127.0.0.1:0"), &ln, NULL), ERR_OK);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
    low = was;
    int fd = dial(listen_where(ln)), next = dup(0);
    close(next);
    low.rlim_cur = (rlim_t)next + 4; /* that many there are, but they are spared */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    start(ln, &a, 0);
    assert_int_equal(recv(fd, said, sizeof said, 0) >= 0, 1); /* busy, or the end at once */
    assert_int_equal(peer_noted(&a.diary, "arrived"), 0);
    close(fd);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
    fd = dial(listen_where(ln));
    peer_await(&a.diary, "arrived", 1);
    close(fd);
    stop(&ln);
    arrivals_fini(&a);
}

static void listen_refuses_bad_addresses(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct { const char *where; enum err e; } cases[] = {
        {"",                 ERR_INVALID},
        {"25",               ERR_INVALID},
        {":25",              ERR_INVALID},
        {"127.0.0.1",        ERR_INVALID},
        {"127.0.0.1:",       ERR_INVALID},
        {"127.0.0.1:65536",  ERR_INVALID},
        {"127.0.0.1:smtp",   ERR_INVALID},
        {"127.0.0.1.1:25",   ERR_INVALID},
        {"localhost:25",     ERR_INVALID},
        {"::1:25",           ERR_INVALID},
        {"[::1:25",          ERR_INVALID},
        {"[::g]:25",         ERR_INVALID},
        {"192.0.2.1:0",      ERR_IO}, /* not ours */
    };
    /* clang-format on */
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct listen *ln = NULL;
        struct fault f = FAULT_NONE;
        assert_int_equal(listen_open(span_cstr(cases[i].where), &ln, &f), cases[i].e);
        assert_true(f.text[0]);
    }
    struct listen *ln, *again;
    struct fault f = FAULT_NONE;
    assert_int_equal(listen_open(SPAN("127.0.0.1:0"), &ln, &f), ERR_OK);
    assert_int_equal(listen_open(listen_where(ln), &again, &f), ERR_IO);
    assert_non_null(strstr(f.text, "in use"));
    listen_close(&ln);
}

static void listen_adopts(void **state)
{
    (void)state;
    struct listen *ln;
    struct arrivals a;
    struct fault f = FAULT_NONE;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(listen_adopt(fd, &ln, &f), ERR_INVALID);
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(fd, (struct sockaddr *)&in4, sizeof in4), 0);
    assert_int_equal(listen(fd, 5), 0);
    assert_int_equal(listen_adopt(fd, &ln, &f), ERR_OK);
    arrivals_init(&a);
    start(ln, &a, 0);
    int client = dial(listen_where(ln));
    peer_await(&a.diary, "arrived", 1);
    close(client);
    stop(&ln);
    arrivals_fini(&a);
}

static int group_begin(void **state)
{
    (void)state;
    peer_loop_start(&two[0]);
    peer_loop_start(&two[1]);
    return 0;
}

static int group_end(void **state)
{
    (void)state;
    peer_loop_end(&two[0]);
    peer_loop_end(&two[1]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listen_hands_out),
        cmocka_unit_test(listen_limits_each_address),
        cmocka_unit_test(listen_waits_for_descriptors),
        cmocka_unit_test(listen_spares_descriptors),
        cmocka_unit_test(listen_refuses_bad_addresses),
        cmocka_unit_test(listen_adopts),
    };
    return cmocka_run_group_tests(tests, group_begin, group_end);
}
