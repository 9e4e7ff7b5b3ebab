#pragma once /* main/config.h: the configuration file of the production server */
#include "common/arena.h"
#include "common/log.h"
#include "main/server.h"
#include <stdio.h>

#define CONFIG_FILE "/etc/mailstead/mailstead.conf"

struct config {
    struct arena *arena; /* of all its texts */
    struct server_options server;
    enum log_level log_level;
    const char *log_file; /* "": standard error */
    unsigned *lines;      /* of each row of config_keys: where it was set; 0: nowhere */
};

/* Reads the file. Each error is a line "FILE:LINE: what is wrong" in errors, in the order of lines; NULL: there was one. */
struct config *config_load(const char *path, FILE *errors);
/* What only this machine can tell: certificates that fit, a user that is there. More such lines; false: one that is not just a
 * warning. */
bool config_check(const struct config *c, const char *path, FILE *errors);
/* As a file with nothing in it but what must be there. */
struct config *config_new(void);
void config_free(struct config **c);
