#pragma once /* tests/unit/unit.h: what every unit test includes: cmocka and a child to die in */
#include "common/span.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define UNIT_COUNT(table) (sizeof(table) / sizeof *(table))

#define unit_assert_span(got, literal) unit_assert_same((got), SPAN(literal))

static inline void unit_assert_same(struct span got, struct span expected)
{
    assert_int_equal(got.n, expected.n);
    assert_memory_equal(got.n ? got.p : "", expected.p, expected.n);
}

/* Runs fn in a child whose stderr ends up, cut and NUL-terminated, in text; returns the status of
 * waitpid. */
static inline int unit_child(void (*fn)(void), char *text, size_t text_bytes)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        fn();
        _exit(0);
    }
    close(ends[1]);
    size_t n = 0;
    for (ssize_t got; n < text_bytes - 1; n += (size_t)got)
        if ((got = read(ends[0], text + n, text_bytes - 1 - n)) <= 0)
            break;
    text[n] = '\0';
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

/* fn must end in must_failed, and the line that it logs must name what. */
static inline void unit_assert_must(void (*fn)(void), const char *what)
{
    char text[4096];
    int status = unit_child(fn, text, sizeof text);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(text, " error - bug.must at="));
    assert_non_null(strstr(text, what));
}
