#pragma once /* main/terminal.h: the person at the other end of a command */
#include "common/span.h"
#include "main/cli.h"

/* Whether the command wants a password that nobody has given on its command line: it is asked for here. */
bool terminal_asks_password(const struct cli_args *args);
/* False, with the reason said, if such a command has no terminal to ask at. Before anything else is done. */
bool terminal_can_ask(const struct cli_args *args);
/* What a command reads: standard input, or for terminal_asks_password the password and a line end, asked for twice without
 * showing it. At most n bytes; 0 at the end, -1: none was given or an error. */
long terminal_read(const struct cli_args *args, char *into, size_t n);
/* A line on standard error in place of the last one that this wrote; "" takes it away. Only on a terminal, and only where it does
 * not stand in the middle of a line of output. */
void terminal_progress(struct span line);
/* All of it; takes a line of progress away first. False: the reader is gone. */
bool terminal_write(int fd, const char *p, size_t n);
