#pragma once /* common/id.h: short names for sessions in logs and traces */

#define ID_BYTES 16

/* Unique within the process, and with high probability across restarts: 13 characters of a base-32 alphabet and a NUL. */
struct id {
    char text[ID_BYTES];
};
struct id id_new(void);
