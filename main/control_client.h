#pragma once /* main/control_client.h: a command carried to the server that has the store */
#include "main/cli.h"

enum control_client_outcome {
    CONTROL_CLIENT_DONE,    /* *exit_out is the command's exit code */
    CONTROL_CLIENT_NOBODY,  /* nobody listens there: the store may be opened here */
    CONTROL_CLIENT_REFUSED, /* the reason has been said, *exit_out is set */
};
/* Runs argv, which is args, on the server that has the store in dir. Reads input only when the command asks for it. */
enum control_client_outcome control_client_call(const char *dir, int argc, char **argv,
                                                const struct cli_args *args, int *exit_out);
