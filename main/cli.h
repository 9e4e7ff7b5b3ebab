#pragma once /* main/cli.h: the command line as a table: parsing, --help and the man page come from it */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct admin;

#define CLI_OPTION_COUNT 24 /* options of one command at most */
#define CLI_VALUE_COUNT 256 /* values on one command line at most */

struct cli_option {
    const char *name; /* without its dashes; NULL ends the list */
    const char *arg;  /* "ADDR:PORT"; NULL: a switch */
    const char *help;
    bool many; /* may be given more than once */
};

struct cli_args;
struct cli_command {
    const char *name;     /* "lab", "user add" */
    const char *operands; /* "ADDRESS [TARGET...]", or "" */
    const char *summary;  /* one line */
    const char *text;     /* paragraphs for --help and the man page; may be "" */
    const struct cli_option *options;
    int operands_min, operands_max; /* max -1: any number */
    /* Exactly one of the two: run in this process, or where the store is open (the server, or here under its lock). Returns the exit code. */
    int (*run)(const struct cli_args *args);
    int (*admin)(struct admin *a, const struct cli_args *args);
};

/* A command line that fits its command. Borrows argv. */
struct cli_args {
    const struct cli_command *command;
    size_t n;
    struct {
        const struct cli_option *option; /* NULL: an operand */
        const char *value;               /* "" for a switch */
    } values[CLI_VALUE_COUNT];
};

/* Exit codes, sysexits(3): 0 done; 1 found or failed as the command says; 64 usage; 65 bad data; 69 unavailable; 73 cannot create;
 * 74 I/O; 75 try again; 78 configuration. */
enum {
    CLI_OK = 0,
    CLI_FAILED = 1,
    CLI_USAGE = 64,
    CLI_DATA = 65,
    CLI_UNAVAILABLE = 69,
    CLI_CANTCREATE = 73,
    CLI_IO = 74,
    CLI_TEMPFAIL = 75,
    CLI_CONFIG = 78
};

/* The table, in the order of the manual; main/commands.c. */
extern const struct cli_command commands[];
extern const size_t commands_count;

/* Finds the command in argv (its first words) and checks the rest. False: *message says what is wrong (static storage of the caller, 512
 * bytes), or help was asked for and printed to out (then *message is empty). */
bool cli_parse(int argc, char **argv, struct cli_args *out, char message[512], FILE *help);
const char *cli_value(const struct cli_args *a, const char *option); /* the last one, or NULL */
const char *cli_value_nth(const struct cli_args *a, const char *option,
                          size_t i);                         /* i from 0; NULL: no more */
const char *cli_operand(const struct cli_args *a, size_t i); /* i from 0; NULL: no more */
void cli_help(FILE *out);                                    /* all commands, a line each */
void cli_help_command(const struct cli_command *c, FILE *out);
void cli_man(FILE *out); /* mailstead(1) in man(7) */
