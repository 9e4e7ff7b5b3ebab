#include "common/fault.h"
#include "common/trip.h"
#include "main/cli.h"
#include "main/local.h"
#include "net/heap.h"
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    heap_install();
    if (!trip_arm_text(getenv("MAILSTEAD_TRIP"))) {
        fputs("mailstead: MAILSTEAD_TRIP is not kind:nth[:errno][:ever]\n", stderr);
        return CLI_USAGE;
    }
    static struct cli_args args;
    char message[512];
    if (!cli_parse(argc, argv, &args, message, stdout)) {
        if (!*message)
            return CLI_OK;
        fprintf(stderr, "mailstead: %s\n", message);
        return CLI_USAGE;
    }
    return args.command->run ? args.command->run(&args) : local_run(argc, argv, &args);
}
