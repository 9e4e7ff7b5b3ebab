#include "main/config.h"
#include "../unit.h"
#include "main/config_keys.h"
#include <stdlib.h>

#define HOST "hostname = \"mail.example.org\"\n"

static char path[] = "/tmp/mailstead-config.XXXXXX";
static char errors[16384];

/* Reads text as a file; what is said about it is in errors, without the file's name. */
static struct config *load(const char *text)
{
    FILE *f = fopen(path, "w"), *out = fmemopen(errors, sizeof errors, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    struct config *c = config_load(path, out);
    fputc('\0', out);
    fclose(out);
    char *to = errors;
    size_t n = strlen(path);
    for (char *from = errors; *from; from++) {
        if ((from == errors || from[-1] == '\n') && strncmp(from, path, n) == 0)
            from += n + 1;
        *to++ = *from;
    }
    *to = '\0';
    return c;
}

static void defaults(void **state)
{
    (void)state; /* cmocka wants it */
    struct config *c = load(HOST);
    assert_non_null(c);
    assert_string_equal(errors, "");
    assert_string_equal(c->server.hostname, "mail.example.org");
    assert_string_equal(c->server.store.dir, "/var/lib/mailstead");
    assert_string_equal(c->server.user, "mailstead");
    assert_string_equal(c->server.route.separators, "+");
    assert_null(c->server.tls_certificate);
    assert_null(c->server.tls_key);
    assert_int_equal(c->server.smtp.command_ms, smtpd_limits_default.command_ms);
    assert_int_equal(c->server.store.bin_days, store_options_default.bin_days);
    assert_int_equal(c->log_level, LOG_INFO);
    assert_false(c->server.lab);
    assert_true(c->server.door_count == 5 || c->server.door_count == 10); /* with or without IPv6 */
    assert_string_equal(c->server.doors[0].where, "0.0.0.0:25");
    config_free(&c);
    assert_null(c);
}

static void values(void **state)
{
    (void)state; /* cmocka wants it */
    struct config *c =
        load("# comment with { and \"\n"
             "hostname = Mail.Example.ORG // so\n"
             "data_directory = /srv/mail\nuser = \"\"\n"
             "/* several\n lines } */ tls { certificate = \"/etc/c.pem\" key = '/etc/k.pem' }\n"
             "listeners {\n smtp = {127.0.0.1:2525,\n  \"[::1]:2525\"}\n imap = {}\n"
             " submission = {} submissions = {}\n imaps = \"10.0.0.1:993\"\n}\n"
             "limits { message_bytes = 10M smtp_command_ms = 6m imap_idle_ms = 31m\n"
             " separators = \"+-\" auth_cache_s = 2h smtp_handshake_ms = 2500 }\n"
             "store { bin_days = 3w log_keep_hours = 2d cache_bytes = 16777216 }\n"
             "logging { level = debug file = \"/var/log/m\" }\n");
    assert_string_equal(errors, "");
    assert_non_null(c);
    const struct server_options *o = &c->server;
    assert_string_equal(o->hostname, "mail.example.org");
    assert_string_equal(o->store.dir, "/srv/mail");
    assert_null(o->user);
    assert_string_equal(o->tls_certificate, "/etc/c.pem");
    assert_string_equal(o->tls_key, "/etc/k.pem");
    assert_int_equal(o->door_count, 3);
    assert_string_equal(o->doors[1].where, "[::1]:2525");
    assert_int_equal(o->doors[1].service, SERVER_SMTP);
    assert_int_equal(o->doors[1].fd, -1);
    assert_int_equal(o->doors[2].service, SERVER_IMAPS);
    assert_int_equal(o->route.message_bytes, 10u << 20);
    assert_int_equal(o->imap.message_bytes, 10u << 20);
    assert_int_equal(o->smtp.command_ms, 360000);
    assert_int_equal(o->smtp.handshake_ms, 2500);
    assert_int_equal(o->imap.idle_ms, 31 * 60000);
    assert_int_equal(o->auth.cache_s, 7200);
    assert_string_equal(o->route.separators, "+-");
    assert_int_equal(o->store.bin_days, 21);
    assert_int_equal(o->store.log_keep_hours, 48);
    assert_int_equal(o->store.cache_bytes, 16777216);
    assert_int_equal(o->store.low_water_bytes, 16777216 + (64 << 20));
    assert_int_equal(c->log_level, LOG_DEBUG);
    assert_string_equal(c->log_file, "/var/log/m");
    config_free(&c);
}

static void mistakes(void **state)
{
    (void)state; /* cmocka wants it */
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "1: hostname is not set"},
        {"# x\nhostname = mail\n", "2: hostname = \"mail\": a full name is wanted"},
        {HOST "hostnam = x\n", "2: unknown key \"hostnam\", did you mean \"hostname\"?"},
        {HOST "limits {\n mesage_bytes = 1M\n}\n",
         "3: unknown key \"mesage_bytes\", did you mean \"message_bytes\"?"},
        {HOST "limit {\n message_bytes = 1M\n}\n",
         "2: unknown key \"limit\", did you mean \"limits\"?"},
        {HOST "bin_days = 3\n", "2: \"bin_days\" does not belong here but into section store"},
        {HOST "store {\n hostname = x\n}\n",
         "3: \"hostname\" does not belong here but outside of all sections"},
        {HOST "qqqqqqqqqqq = 1\n", "2: unknown key \"qqqqqqqqqqq\"\n"},
        {HOST "limits { message_bytes = 5Q }\n", "2: message_bytes = \"5Q\": a size is wanted"},
        {HOST "limits { message_bytes = 99999999999T }\n", "2: message_bytes = "},
        {HOST "limits { rcpt_count = 5 }\n", "2: rcpt_count = \"5\": at least 100 is wanted"},
        {HOST "limits { rcpt_count = 4294967296 }\n",
         "2: rcpt_count = \"4294967296\": a whole number is wanted"},
        {HOST "limits { rcpt_count = 5M }\n", "2: rcpt_count = \"5M\": a whole number is wanted"},
        {HOST "limits { imap_idle_ms = 5m }\n", "2: imap_idle_ms = \"5m\": at least 30m is wanted"},
        {HOST "limits { auth_cache_s = 1500ms }\n",
         "2: auth_cache_s = \"1500ms\": a time is wanted"},
        {HOST "store { bin_days = 5h }\n", "2: bin_days = \"5h\": a time in days is wanted"},
        {HOST "logging { level = loud }\n",
         "2: level = \"loud\": error, warn, info or debug is wanted"},
        {HOST "data_directory = mail\n",
         "2: data_directory = \"mail\": an absolute path is wanted"},
        {HOST "user = a\nuser = b\n", "3: \"user\" is set twice, first on line 2"},
        {HOST "listeners { smtp = {\"localhost:25\"} }\n", "2: smtp = \"localhost:25\": ADDR:PORT"},
        {HOST "listeners { smtp = {\"::1:25\"} }\n", "2: smtp = \"::1:25\": ADDR:PORT"},
        {HOST "listeners { smtp = {\"1.2.3.4:65536\"} }\n",
         "2: smtp = \"1.2.3.4:65536\": ADDR:PORT"},
        {HOST "listeners { smtp = {\"1.2.3.4\"} }\n", "2: smtp = \"1.2.3.4\": ADDR:PORT"},
        {HOST "listeners { smtp = {\"1.2.3.4:25\"}\n imap = {\"1.2.3.4:25\"} }\n",
         "3: imap = \"1.2.3.4:25\": it is a listener already"},
        {HOST "tls { key = /x }\n", "2: there is a key but no certificate"},
        {HOST "store { cache_bytes = 8M\n low_water_bytes = 39M }\n",
         "3: low_water_bytes: it has to be cache_bytes and 32M more, 40M"},
        {HOST "user x\n", "2: missing equal sign after option 'user'"},
        {HOST "user = \"x\n", "2: a quote is opened and not closed on this line"},
        {HOST "\nlimits {\n rcpt_count = 500\n", "3: a { is opened and never closed"},
        {HOST "}\n", "2: unexpected closing brace"},
    };
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct config *c = load(cases[i].text);
        assert_null(c);
        if (!strstr(errors, cases[i].says))
            fail_msg("case %zu says: %s", i, errors);
        if (strchr(errors, '\n')[1] != '\0')
            fail_msg("case %zu says more than one thing: %s", i, errors);
    }
}

/* One mistake does not hide another, before it or behind it. */
static void all_at_once(void **state)
{
    (void)state; /* cmocka wants it */
    static const char *const says[] = {
        "1: ",           "3: unknown",  "4: level",    "6: unknown",
        "9: rcpt_count", "11: missing", "12: unknown", "12: \"rcpt_count\" is set twice",
        "13: bin_days"};
    struct config *c = load("hostname = mail\n\nhostnam = x\nlogging { level = loud }\n\n"
                            "lissteners {\n smtp = {\"1.2.3.4:25\"}\n}\n"
                            "limits { rcpt_count = 1 }\n\nuser x\nlimits { foo = 1 rcpt_count = "
                            "300 }\nstore { bin_days = x }\n");
    assert_null(c);
    const char *at = errors;
    for (size_t i = 0; i < UNIT_COUNT(says); i++) {
        if (strncmp(at, says[i], strlen(says[i])) != 0)
            fail_msg("line %zu of:\n%s", i, errors);
        at = strchr(at, '\n') + 1;
    }
    assert_string_equal(at, "");
}

static void not_there(void **state)
{
    (void)state; /* cmocka wants it */
    char text[256] = "";
    FILE *out = fmemopen(text, sizeof text, "w");
    assert_null(config_load("/nonexistent/mailstead.conf", out));
    fclose(out);
    assert_string_equal(
        text, "/nonexistent/mailstead.conf:1: cannot read it: No such file or directory\n");
}

/* Each default, written into a file, is that default. */
static void defaults_can_be_written(void **state)
{
    (void)state; /* cmocka wants it */
    struct config *plain = load(HOST);
    for (size_t i = 0; i < config_keys_count; i++) {
        const struct config_keys_row *row = &config_keys[i];
        char value[CONFIG_KEYS_TEXT_BYTES], text[512];
        if (strcmp(row->name, "hostname") == 0 || row->type == CONFIG_KEYS_DOORS)
            continue;
        config_keys_default(row, value);
        snprintf(text, sizeof text, HOST "%s%s %s = %s %s\n", row->section,
                 *row->section ? " {" : "", row->name, value, *row->section ? "}" : "");
        struct config *c = load(text);
        if (!c)
            fail_msg("%s: %s", text, errors);
        const char *was = (const char *)plain + row->offset, *is = (const char *)c + row->offset;
        if (row->type == CONFIG_KEYS_SIZE || row->type == CONFIG_KEYS_SIZE64)
            assert_memory_equal(was, is, sizeof(uint64_t));
        else if (row->type != CONFIG_KEYS_TEXT && row->type != CONFIG_KEYS_FILE)
            assert_memory_equal(was, is, sizeof(unsigned));
        config_free(&c);
    }
    config_free(&plain);
}

static int make_file(void **state)
{
    (void)state; /* cmocka wants it */
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state; /* cmocka wants it */
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),  cmocka_unit_test(values),
        cmocka_unit_test(mistakes),  cmocka_unit_test(all_at_once),
        cmocka_unit_test(not_there), cmocka_unit_test(defaults_can_be_written),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
