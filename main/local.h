#pragma once /* main/local.h: a command on the store: at the server that has it, else here under its lock */
#include "main/cli.h"

/* The store's directory is that of --dir, or of the configuration (--config). Returns the exit code. */
int local_run(int argc, char **argv, const struct cli_args *args);
