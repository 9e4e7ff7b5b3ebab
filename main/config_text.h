#pragma once /* main/config_text.h: the bytes of a configuration file, with errors taken out so that reading can go on */
#include "common/arena.h"
#include <stdbool.h>

/* Reads path whole, NUL-terminated, in a. NULL: errno says why. */
char *config_text_read(struct arena *a, const char *path);
/* Turns comments into spaces (line ends stay) and looks at quotes and braces. tell is called for each that is not closed;
 * a line with an open quote is blanked. */
void config_text_strip(char *text, void (*tell)(void *arg, unsigned line, const char *what),
                       void *arg);
/* Blanks the line, and what follows it up to the braces that it opens. False: there is no such line. */
bool config_text_blank_line(char *text, unsigned line);
/* Blanks the key of that name with its value or section, where it is on the line; else the line. */
bool config_text_blank_key(char *text, unsigned line, const char *key);
