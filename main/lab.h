#pragma once /* main/lab.h: a server with no configuration */
#include "main/cli.h"

int lab_run(const struct cli_args *args);
