#include "main/control_wire.h"
#include "../unit.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static struct control_wire ends[2];
static struct buf body;

static int open_ends(void **state)
{
    (void)state; /* cmocka wants it */
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
        return -1;
    ends[0] = (struct control_wire){fds[0], -1};
    ends[1] = (struct control_wire){fds[1], -1};
    buf_init(&body, CONTROL_WIRE_BYTES);
    return 0;
}

static int close_ends(void **state)
{
    (void)state; /* cmocka wants it */
    buf_fini(&body);
    close(ends[0].fd);
    return ends[1].fd >= 0 ? close(ends[1].fd) : 0;
}

static void frames_arrive(void **state)
{
    (void)state; /* cmocka wants it */
    char type;
    assert_true(control_wire_send(&ends[0], 'O', SPAN("some text")));
    assert_true(control_wire_send(&ends[0], 'i', SPAN("")));
    assert_true(control_wire_receive(&ends[1], &type, &body));
    assert_int_equal(type, 'O');
    unit_assert_span(buf_span(&body), "some text");
    assert_true(control_wire_receive(&ends[1], &type, &body));
    assert_int_equal(type, 'i');
    assert_int_equal(body.n, 0);
}

static void *send_much(void *text)
{
    return control_wire_send(&ends[0], 'O', *(struct span *)text) ? text : NULL;
}

/* More than one frame can hold becomes several, and a slow reader holds the sender back. */
static void much_is_split(void **state)
{
    (void)state; /* cmocka wants it */
    size_t n = CONTROL_WIRE_BYTES * 2 + 1000, got = 0;
    char *bytes = malloc(n), type;
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    struct span all = {bytes, n};
    pthread_t sender;
    void *sent;
    assert_int_equal(pthread_create(&sender, NULL, send_much, &all), 0);
    while (got < n) {
        assert_true(control_wire_receive(&ends[1], &type, &body));
        assert_true(got + body.n <= n);
        assert_memory_equal(body.p, bytes + got, body.n);
        got += body.n;
    }
    pthread_join(sender, &sent);
    assert_non_null(sent);
    free(bytes);
}

static void what_is_no_frame(void **state)
{
    (void)state; /* cmocka wants it */
    char type;
    static const unsigned char too_long[] = {'A', 1, 0, 4, 0};
    assert_int_equal(send(ends[0].fd, too_long, sizeof too_long, 0), sizeof too_long);
    assert_false(control_wire_receive(&ends[1], &type, &body));
    static const unsigned char half[] = {'A', 9, 0, 0, 0, 'x'};
    assert_int_equal(send(ends[0].fd, half, sizeof half, 0), sizeof half);
    shutdown(ends[0].fd, SHUT_WR);
    assert_false(control_wire_receive(&ends[1], &type, &body));
}

static void the_end(void **state)
{
    (void)state; /* cmocka wants it */
    char type;
    ends[1].stop = eventfd(1, 0);
    assert_false(control_wire_receive(&ends[1], &type, &body)); /* told to stop */
    close(ends[1].stop);
    close(ends[1].fd);
    ends[1].fd = -1;
    assert_false(control_wire_receive(&ends[0], &type, &body)); /* the peer is gone */
    assert_false(control_wire_send(&ends[0], 'O', SPAN("x")));
}

static void addresses(void **state)
{
    (void)state; /* cmocka wants it */
    struct sockaddr_un a;
    int dir_fd;
    assert_true(control_wire_address("/var/lib/mailstead", &a, &dir_fd));
    assert_string_equal(a.sun_path, "/var/lib/mailstead/control");
    assert_int_equal(dir_fd, -1);
    char dir[300] = "/tmp/mailstead-wire.XXXXXX", deep[600];
    assert_non_null(mkdtemp(dir));
    snprintf(deep, sizeof deep, "%s/%0200d", dir, 1);
    assert_false(control_wire_address(deep, &a, &dir_fd));
    assert_int_equal(mkdir(deep, 0700), 0);
    assert_true(control_wire_address(deep, &a, &dir_fd));
    assert_true(dir_fd >= 0);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    close(fd);
    close(dir_fd);
    size_t n = strlen(deep);
    snprintf(deep + n, sizeof deep - n, "/control");
    assert_int_equal(unlink(deep), 0);
    deep[n] = '\0';
    assert_int_equal(rmdir(deep), 0);
    assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(frames_arrive, open_ends, close_ends),
        cmocka_unit_test_setup_teardown(much_is_split, open_ends, close_ends),
        cmocka_unit_test_setup_teardown(what_is_no_frame, open_ends, close_ends),
        cmocka_unit_test_setup_teardown(the_end, open_ends, close_ends),
        cmocka_unit_test(addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
