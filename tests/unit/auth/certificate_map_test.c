#include "auth/certificate_map.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

static char path[] = "/tmp/mailstead-map-XXXXXX";

static enum err open_text(const char *text, struct certificate_map **out, struct fault *f)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
    return certificate_map_open(path, out, f);
}

static void names_lead_to_addresses(void **state)
{
    static const struct {
        const char *name, *address;
    } cases[] = {
        {"ann@partner.example", "ann@example.org"},
        {"ANN@Partner.Example", "ann@example.org"},
        {"sha256:00ff", "bob@example.org"},
        {"SHA256:00FF", "bob@example.org"},
        {"last@partner.example", "last@example.org"},
        {"ann@partner.exampl", ""},
        {"#", ""},
        {"", ""},
    };
    struct certificate_map *m;
    struct fault f = FAULT_NONE;
    (void)state;
    assert_int_equal(open_text("# NAME ADDRESS\n\n  \t\n"
                               "Ann@partner.example ann@example.org\r\n"
                               "sha256:00FF\t \tbob@example.org # the laptop\n"
                               "last@partner.example last@example.org",
                               &m, &f),
                     ERR_OK);
    for (size_t i = 0; i < UNIT_COUNT(cases); i++)
        unit_assert_same(certificate_map_find(m, span_cstr(cases[i].name)),
                         span_cstr(cases[i].address));
    certificate_map_close(&m);
    certificate_map_close(&m);
    assert_null(m);
}

static void bad_files_are_refused(void **state)
{
    static char long_line[3000];
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"one\n", ":1: "},      {"a b\n", ":1: "},   {"a b@c\n\na b@c d\n", ":3: "},
        {"a b@c\nb\n", ":2: "}, {long_line, ":1: "},
    };
    struct certificate_map *m;
    (void)state;
    memset(long_line, 'x', sizeof long_line - 1);
    memcpy(long_line + 1030, " y a@b\n", 7); /* not to be taken for a line of its own */
    memcpy(long_line + 1, " a@b", 4);
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct fault f = FAULT_NONE;
        assert_int_equal(open_text(cases[i].text, &m, &f), ERR_INVALID);
        assert_null(m);
        if (!strstr(f.text, cases[i].says))
            fail_msg("case %zu: %s", i, f.text);
    }
    struct fault f = FAULT_NONE;
    assert_int_equal(certificate_map_open("/nowhere/at/all", &m, &f), ERR_INVALID);
    assert_int_equal(certificate_map_open("/tmp", &m, &f), ERR_INVALID);
    assert_null(m);
}

static int setup(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_lead_to_addresses),
        cmocka_unit_test(bad_files_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
