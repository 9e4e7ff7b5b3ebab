#pragma once /* main/serve.h: the production server and its configuration file */
#include "main/cli.h"

int serve_run(const struct cli_args *args);
int serve_check_config(const struct cli_args *args);
