#include "main/cli.h"
#include "../unit.h"

#define WORDS 8

struct parsed {
    struct cli_args args;
    char message[512], help[16384];
    bool good;
};

static void parse(struct parsed *p, const char *const words[WORDS])
{
    char *argv[WORDS + 2] = {(char *)(uintptr_t) "mailstead"};
    int argc = 1;
    for (; argc <= WORDS && words[argc - 1]; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
    memset(p->help, 0, sizeof p->help);
    FILE *help = fmemopen(p->help, sizeof p->help - 1, "w");
    p->good = cli_parse(argc, argv, &p->args, p->message, help);
    fclose(help);
}

static void commands_are_found(void **state)
{
    (void)state; /* cmocka wants it */
    static const struct {
        const char *words[WORDS], *name, *option, *value, *operand;
    } cases[] = {
        {{"lab"}, "lab", NULL, NULL, NULL},
        {{"lab", "--dir", "/x"}, "lab", "dir", "/x", NULL},
        {{"lab", "--dir=/x"}, "lab", "dir", "/x", NULL},
        {{"lab", "--dir="}, "lab", "dir", "", NULL},
        {{"lab", "--user", "a@b:--c"}, "lab", "user", "a@b:--c", NULL},
        {{"user", "add", "ann@b"}, "user add", NULL, NULL, "ann@b"},
        {{"user", "add", "--generate", "ann@b"}, "user add", "generate", "", "ann@b"},
        {{"user", "add", "--", "--ann@b"}, "user add", NULL, NULL, "--ann@b"},
        {{"user", "app-password", "add", "a@b", "--protocol", "imap", "my phone"},
         "user app-password add",
         "protocol",
         "imap",
         "a@b"},
        {{"user", "app-password", "list", "a@b"}, "user app-password list", NULL, NULL, "a@b"},
        {{"alias", "add", "a@b", "c@d", "e@f"}, "alias add", NULL, NULL, "a@b"},
        {{"check-config"}, "check-config", NULL, NULL, NULL},
        {{"check"}, "check", NULL, NULL, NULL},
    };
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct parsed p;
        parse(&p, cases[i].words);
        assert_true(p.good);
        assert_string_equal(p.args.command->name, cases[i].name);
        if (cases[i].option)
            assert_string_equal(cli_value(&p.args, cases[i].option), cases[i].value);
        if (cases[i].operand)
            assert_string_equal(cli_operand(&p.args, 0), cases[i].operand);
        else
            assert_null(cli_operand(&p.args, 0));
    }
}

static void mistakes_are_told(void **state)
{
    (void)state; /* cmocka wants it */
    static const struct {
        const char *words[WORDS], *says;
    } cases[] = {
        {{NULL}, "which command?"},
        {{"lob"}, "did you mean \"lab\"?"},
        {{"usr", "add"}, "did you mean \"user add\"?"},
        {{"user", "ad", "x"}, "did you mean \"user add\"?"},
        {{"frobnicate"}, "no such command: frobnicate (mailstead --help lists them)"},
        {{"--frobnicate"}, "no such command: --frobnicate"},
        {{"lab", "--smpt", "x"}, "no such option: --smpt, did you mean --smtp?"},
        {{"lab", "--smpt=x"}, "no such option: --smpt, did you mean --smtp?"},
        {{"lab", "--zzzzzzzz"}, "no such option: --zzzzzzzz (mailstead lab --help"},
        {{"lab", "--dir"}, "--dir needs a value: DIR"},
        {{"lab", "--dir", "a", "--dir", "b"}, "--dir is given twice"},
        {{"lab", "x"}, "lab: too many words"},
        {{"user", "add"}, "user add needs: ADDRESS"},
        {{"user", "add", "a", "b"}, "user add: too many words; it takes: ADDRESS"},
        {{"user", "add", "a", "--generate=1"}, "--generate takes no value"},
        {{"alias", "add", "a@b"}, "alias add needs: ALIAS TARGET..."},
    };
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct parsed p;
        parse(&p, cases[i].words);
        assert_false(p.good);
        if (!strstr(p.message, cases[i].says))
            fail_msg("case %zu says: %s", i, p.message);
        assert_string_equal(p.help, "");
    }
}

static void help_is_everywhere(void **state)
{
    (void)state; /* cmocka wants it */
    static const struct {
        const char *words[WORDS], *shows;
    } cases[] = {
        {{"--help"}, "mailstead undelete ADDRESS"},
        {{"-h"}, "mailstead undelete ADDRESS"},
        {{"help"}, "mailstead undelete ADDRESS"},
        {{"lab", "--help"}, "--ready-file FILE"},
        {{"lab", "--dir", "x", "-h"}, "--ready-file FILE"},
        {{"user", "--help"}, "mailstead user passwd"},
        {{"user", "add", "--help"}, "usage: mailstead user add"},
        {{"help", "user", "add"}, "usage: mailstead user add"},
        {{"help", "--man"}, ".TH MAILSTEAD 1"},
    };
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        struct parsed p;
        parse(&p, cases[i].words);
        assert_false(p.good);
        assert_string_equal(p.message, "");
        if (!strstr(p.help, cases[i].shows))
            fail_msg("case %zu shows: %s", i, p.help);
    }
    for (size_t i = 0; i < commands_count; i++) {
        char text[8192] = "";
        FILE *out = fmemopen(text, sizeof text, "w");
        cli_help_command(&commands[i], out);
        fclose(out);
        assert_non_null(strstr(text, commands[i].summary));
        for (const struct cli_option *o = commands[i].options; o->name; o++)
            assert_non_null(strstr(text, o->help));
    }
}

static void many_values(void **state)
{
    (void)state; /* cmocka wants it */
    struct parsed p;
    parse(&p, (const char *const[WORDS]){"lab", "--user", "a@b:c", "--user=d@e:f"});
    assert_true(p.good);
    assert_string_equal(cli_value_nth(&p.args, "user", 0), "a@b:c");
    assert_string_equal(cli_value_nth(&p.args, "user", 1), "d@e:f");
    assert_null(cli_value_nth(&p.args, "user", 2));
    assert_null(cli_value(&p.args, "smtp"));
    parse(&p, (const char *const[WORDS]){"alias", "add", "a@b", "c@d", "e@f"});
    assert_string_equal(cli_operand(&p.args, 2), "e@f");
    assert_null(cli_operand(&p.args, 3));
}

/* A command runs in one place, and its words can be had. */
static void table_is_sound(void **state)
{
    (void)state; /* cmocka wants it */
    for (size_t i = 0; i < commands_count; i++) {
        const struct cli_command *c = &commands[i];
        size_t options = 0;
        assert_true((c->run != NULL) != (c->admin != NULL));
        assert_true(c->operands_max < 0 || c->operands_min <= c->operands_max);
        assert_true((*c->operands != '\0') == (c->operands_max != 0));
        while (c->options[options].name)
            options++;
        assert_true(options <= CLI_OPTION_COUNT);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(c->name, commands[k].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_are_found), cmocka_unit_test(mistakes_are_told),
        cmocka_unit_test(help_is_everywhere), cmocka_unit_test(many_values),
        cmocka_unit_test(table_is_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
