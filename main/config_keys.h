#pragma once /* main/config_keys.h: the keys of the configuration file as a table: parsing and the manual come from it */
#include "main/config.h"

/* How a value is written and what it becomes in struct config. */
enum config_keys_type {
    CONFIG_KEYS_TEXT,    /* const char * */
    CONFIG_KEYS_FILE,    /* const char *, an absolute path */
    CONFIG_KEYS_SIZE,    /* size_t bytes: 4096, 64K, 50M, 2G */
    CONFIG_KEYS_SIZE64,  /* uint64_t bytes */
    CONFIG_KEYS_COUNT,   /* unsigned */
    CONFIG_KEYS_MS,      /* unsigned milliseconds: 250, 250ms, 30s, 5m, 2h */
    CONFIG_KEYS_SECONDS, /* unsigned seconds */
    CONFIG_KEYS_HOURS,   /* unsigned hours: 12, 12h, 2d */
    CONFIG_KEYS_DAYS,    /* unsigned days: 14, 14d, 2w */
    CONFIG_KEYS_YES,     /* unsigned, 1: yes or no */
    CONFIG_KEYS_LEVEL,   /* enum log_level */
    CONFIG_KEYS_DOORS,   /* a list of doors; offset is the service */
    CONFIG_KEYS_TYPES
};

struct config_keys_row {
    const char *section; /* "" outside of all sections */
    const char *name;
    enum config_keys_type type;
    size_t offset;  /* in struct config */
    uint64_t least; /* smallest value allowed, in the unit of the type */
    const char
        *fallback; /* the default of texts and doors; NULL: the number that config_init put there */
    const char *help;
};
extern const struct config_keys_row config_keys[];
extern const size_t config_keys_count;

#define CONFIG_KEYS_TEXT_BYTES 128
/* Puts text into c; for doors adds one. False: why says what is wrong with it. */
bool config_keys_set(struct config *c, const struct config_keys_row *row, const char *text,
                     char why[CONFIG_KEYS_TEXT_BYTES]);
/* The default, as the file would say it. */
void config_keys_default(const struct config_keys_row *row, char out[CONFIG_KEYS_TEXT_BYTES]);
/* The default doors of that service: one at a time, NULL when there are no more. */
const char *config_keys_door(enum server_service service, size_t i);
/* mailstead.conf(5). */
void config_keys_man(FILE *out);
