#include "main/cli.h"
#include "main/config_keys.h"
#include "main/nearest.h"
#include <ctype.h>
#include <stdarg.h>
#include <string.h>

static bool __attribute__((format(printf, 2, 3))) fail(char message[512], const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(message, 512, fmt, ap);
    va_end(ap);
    return false;
}

/* "user" when "user add" exists: the first word of a family. */
static bool is_family(const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i < commands_count; i++)
        if (strncmp(commands[i].name, word, n) == 0 && commands[i].name[n] == ' ')
            return true;
    return false;
}

/* How many of the words a command's name takes: all of its own, or 0. */
static int name_words(const char *name, int n, char **words)
{
    for (int i = 0; i < n; i++) {
        size_t length = strlen(words[i]);
        if (strncmp(name, words[i], length) != 0)
            return 0;
        if (name[length] == '\0')
            return i + 1;
        if (name[length] != ' ')
            return 0;
        name += length + 1;
    }
    return 0;
}

static const struct cli_command *find_command(int n, char **words)
{
    for (size_t i = 0; i < commands_count; i++)
        if (name_words(commands[i].name, n, words) > 0)
            return &commands[i];
    return NULL;
}

/* The longest family that the words name, in name: "user", "user app-password"; NULL: none. */
static const char *find_family(int n, char **words, char name[128])
{
    for (int count = n < 2 ? n : 2; count > 0; count--) {
        snprintf(name, 128, "%s%s%s", words[0], count > 1 ? " " : "", count > 1 ? words[1] : "");
        if (is_family(name))
            return name;
    }
    return NULL;
}

static void help_family(const char *word, FILE *out)
{
    size_t n = strlen(word);
    for (size_t i = 0; i < commands_count; i++)
        if (strncmp(commands[i].name, word, n) == 0 && commands[i].name[n] == ' ')
            fprintf(out, "  mailstead %s %s\n      %s\n", commands[i].name, commands[i].operands,
                    commands[i].summary);
}

static const struct cli_option *find_option(const struct cli_command *c, const char *name, size_t n)
{
    for (const struct cli_option *o = c->options; o->name; o++)
        if (strlen(o->name) == n && strncmp(o->name, name, n) == 0)
            return o;
    return NULL;
}

static bool fail_option(const struct cli_command *c, const char *word, size_t n, char message[512])
{
    char name[64];
    struct nearest near;
    snprintf(name, sizeof name, "%.*s", (int)n, word + 2);
    nearest_init(&near, name);
    for (const struct cli_option *o = c->options; o->name; o++)
        nearest_try(&near, o->name);
    if (nearest_found(&near))
        return fail(message, "no such option: --%s, did you mean --%s?", name,
                    nearest_found(&near));
    return fail(message, "no such option: --%s (mailstead %s --help lists them)", name, c->name);
}

static bool fail_command(const char *one, const char *two, char message[512])
{
    char both[128], alone[64];
    struct nearest near;
    snprintf(alone, sizeof alone, "%s", one);
    snprintf(both, sizeof both, "%s%s%s", one, two ? " " : "", two ? two : "");
    bool family = is_family(one);
    nearest_init(&near, family ? both : alone);
    for (size_t i = 0; i < commands_count; i++)
        nearest_try(&near, commands[i].name);
    if (!nearest_found(&near)) {
        nearest_init(&near, both);
        for (size_t i = 0; i < commands_count; i++)
            nearest_try(&near, commands[i].name);
    }
    if (nearest_found(&near))
        return fail(message, "no such command: %s, did you mean \"%s\"?", family ? both : alone,
                    nearest_found(&near));
    return fail(message, "no such command: %s (mailstead --help lists them)",
                family ? both : alone);
}

static bool add_value(struct cli_args *a, const struct cli_option *o, const char *value,
                      char message[512])
{
    if (a->n == CLI_VALUE_COUNT)
        return fail(message, "too many words on the command line");
    if (o && !o->many && cli_value(a, o->name))
        return fail(message, "--%s is given twice", o->name);
    a->values[a->n].option = o;
    a->values[a->n++].value = value;
    return true;
}

/* argv[*i] begins with "--": takes it and, where it has one, its value. */
static bool take_option(int argc, char **argv, int *i, struct cli_args *a, char message[512])
{
    const char *word = argv[*i] + 2, *equals = strchr(word, '=');
    size_t n = equals ? (size_t)(equals - word) : strlen(word);
    const struct cli_option *o = find_option(a->command, word, n);
    if (!o)
        return fail_option(a->command, argv[*i], n, message);
    if (!o->arg)
        return equals ? fail(message, "--%s takes no value", o->name)
                      : add_value(a, o, "", message);
    if (equals)
        return add_value(a, o, equals + 1, message);
    if (*i + 1 >= argc)
        return fail(message, "--%s needs a value: %s", o->name, o->arg);
    return add_value(a, o, argv[++*i], message);
}

static bool take_words(int argc, char **argv, int i, struct cli_args *a, char message[512])
{
    int operands = 0;
    bool only_operands = false;
    for (; i < argc; i++) {
        if (!only_operands && strcmp(argv[i], "--") == 0) {
            only_operands = true;
        } else if (!only_operands && strncmp(argv[i], "--", 2) == 0) {
            if (!take_option(argc, argv, &i, a, message))
                return false;
        } else if (!add_value(a, NULL, argv[i], message)) {
            return false;
        } else {
            operands++;
        }
    }
    const struct cli_command *c = a->command;
    if (operands < c->operands_min)
        return fail(message, "%s needs: %s", c->name, c->operands);
    if (c->operands_max >= 0 && operands > c->operands_max)
        return fail(message, "%s: too many words; it takes: %s", c->name,
                    *c->operands ? c->operands : "none");
    return true;
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

/* mailstead --help, mailstead help [--man | --man-conf | COMMAND]. */
static bool help_on(int argc, char **argv, char message[512], FILE *help)
{
    const char *one = argc > 2 ? argv[2] : NULL, *two = argc > 3 ? argv[3] : NULL;
    char family[128];
    if (!one || argv[1][0] == '-' || strcmp(one, "--help") == 0)
        cli_help(help);
    else if (strcmp(one, "--man") == 0)
        cli_man(help);
    else if (strcmp(one, "--man-conf") == 0)
        config_keys_man(help);
    else if (find_command(argc - 2, argv + 2))
        cli_help_command(find_command(argc - 2, argv + 2), help);
    else if (find_family(argc - 2, argv + 2, family) && (!two || strchr(family, ' ')))
        help_family(family, help);
    else
        return fail_command(one, two, message);
    return false;
}

bool cli_parse(int argc, char **argv, struct cli_args *out, char message[512], FILE *help)
{
    *out = (struct cli_args){NULL, 0, {{NULL, NULL}}};
    message[0] = '\0';
    if (argc < 2)
        return fail(message, "which command? (mailstead --help lists them)");
    bool asked = wants_help(argc, argv);
    if (strcmp(argv[1], "help") == 0 || (asked && argv[1][0] == '-'))
        return help_on(argc, argv, message, help);
    const char *two = argc > 2 ? argv[2] : NULL;
    char family[128];
    out->command = find_command(argc - 1, argv + 1);
    if (!out->command && find_family(argc - 1, argv + 1, family) &&
        (asked || argc == (strchr(family, ' ') ? 3 : 2))) {
        help_family(family, asked ? help : stderr);
        return asked ? false : fail(message, "%s what? (see above)", family);
    }
    if (!out->command)
        return fail_command(argv[1], two, message);
    if (asked) {
        cli_help_command(out->command, help);
        return false;
    }
    int words = name_words(out->command->name, argc - 1, argv + 1);
    return take_words(argc, argv, 1 + words, out, message);
}

const char *cli_value_nth(const struct cli_args *a, const char *option, size_t i)
{
    for (size_t k = 0; k < a->n; k++)
        if (a->values[k].option && strcmp(a->values[k].option->name, option) == 0 && i-- == 0)
            return a->values[k].value;
    return NULL;
}

const char *cli_value(const struct cli_args *a, const char *option)
{
    return cli_value_nth(a, option, 0);
}

const char *cli_operand(const struct cli_args *a, size_t i)
{
    for (size_t k = 0; k < a->n; k++)
        if (!a->values[k].option && i-- == 0)
            return a->values[k].value;
    return NULL;
}

void cli_help(FILE *out)
{
    fputs("mailstead: SMTP in, a Berkeley DB store, IMAP out, in one binary\n\n", out);
    for (size_t i = 0; i < commands_count; i++) {
        int n = fprintf(out, "  mailstead %s %s", commands[i].name, commands[i].operands);
        fprintf(out, "%*s%s\n", n < 44 ? 44 - n : 1, "", commands[i].summary);
    }
    fputs("\nmailstead COMMAND --help tells more. Try it: mailstead lab\n", out);
}

static void help_option(const struct cli_option *o, FILE *out)
{
    int n = fprintf(out, "  --%s%s%s", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
    fprintf(out, "%*s%s%s\n", n < 30 ? 30 - n : 1, "", o->help,
            o->many ? " (may be repeated)" : "");
}

void cli_help_command(const struct cli_command *c, FILE *out)
{
    fprintf(out, "usage: mailstead %s%s%s%s\n\n%s\n", c->name, c->options->name ? " [OPTIONS]" : "",
            *c->operands ? " " : "", c->operands, c->summary);
    if (*c->text)
        fprintf(out, "\n%s\n", c->text);
    if (c->options->name)
        fputs("\noptions:\n", out);
    for (const struct cli_option *o = c->options; o->name; o++)
        help_option(o, out);
}

/* man(7) wants its backslashes, dashes and leading dots escaped. */
static void man_text(const char *text, FILE *out)
{
    bool start = true;
    for (const char *p = text; *p; p++) {
        if (start && (*p == '.' || *p == '\''))
            fputs("\\&", out);
        if (*p == '-')
            fputs("\\-", out);
        else if (*p == '\\')
            fputs("\\e", out);
        else
            fputc(*p, out);
        start = *p == '\n';
    }
}

static void man_command(const struct cli_command *c, FILE *out)
{
    fputs(".SS mailstead ", out);
    man_text(c->name, out);
    fputs("\n.B mailstead ", out);
    man_text(c->name, out);
    fprintf(out, "%s ", c->options->name ? " [\\fIoptions\\fR]" : "");
    man_text(c->operands, out);
    fprintf(out, "\n.PP\n%c", toupper((unsigned char)c->summary[0]));
    man_text(c->summary + 1, out);
    fputs(".\n", out);
    if (*c->text) {
        fputs(".PP\n", out);
        man_text(c->text, out);
        fputc('\n', out);
    }
    for (const struct cli_option *o = c->options; o->name; o++) {
        fputs(".TP\n.B \\-\\-", out);
        man_text(o->name, out);
        if (o->arg) {
            fputs(" \\fI", out);
            man_text(o->arg, out);
            fputs("\\fR", out);
        }
        fputc('\n', out);
        man_text(o->help, out);
        fprintf(out, "%s.\n", o->many ? " (may be repeated)" : "");
    }
}

void cli_man(FILE *out)
{
    fputs(".TH MAILSTEAD 1\n.SH NAME\nmailstead \\- a full mail stack in one binary\n"
          ".SH SYNOPSIS\n.B mailstead\n\\fIcommand\\fR [\\fIoptions\\fR] [\\fIoperands\\fR]\n"
          ".SH DESCRIPTION\nAn SMTP service receives, routes and delivers messages into a Berkeley "
          "DB "
          "store, and an IMAP service in the same process serves that store to its clients.\n"
          "Commands that act on the store go to the server that has it open, through the control "
          "socket in its directory; where no server runs they open the store themselves.\n"
          ".SH COMMANDS\n",
          out);
    for (size_t i = 0; i < commands_count; i++)
        man_command(&commands[i], out);
    fputs(
        ".SH EXIT STATUS\n0 done; 1 something was found, or failed, as the command says; 64 usage; "
        "65 bad data; 69 the server cannot be reached; 73 cannot create; 74 I/O error; "
        "75 try again; 78 configuration.\n"
        ".SH FILES\n/etc/mailstead/mailstead.conf, /var/lib/mailstead\n"
        ".SH SEE ALSO\nmailstead.conf(5)\n",
        out);
}
