#include "main/config_keys.h"
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>

#define AT(field) offsetof(struct config, field)

/* clang-format off */
const struct config_keys_row config_keys[] = {
    /* section    name                    type                 offset                              least  default */
    {"",          "hostname",             CONFIG_KEYS_TEXT,    AT(server.hostname),                    0, "",
     "The name of this server as others know it: it must be the one that the MX record and the certificate name. It has to be set."},
    {"",          "data_directory",       CONFIG_KEYS_FILE,    AT(server.store.dir),                   0, "/var/lib/mailstead",
     "Where all mail is kept. Made, for the user alone, if it is not there."},
    {"",          "user",                 CONFIG_KEYS_TEXT,    AT(server.user),                        0, "mailstead",
     "Started as root, the server becomes this user once its ports are open."},
    {"listeners", "smtp",                 CONFIG_KEYS_DOORS,   SERVER_SMTP,                            0, "",
     "Mail from other servers. A list of \"ADDR:PORT\" and \"[IPV6]:PORT\"; {} for none."},
    {"listeners", "submission",           CONFIG_KEYS_DOORS,   SERVER_SUBMISSION,                      0, "",
     "Mail from our own users, who log in after STARTTLS."},
    {"listeners", "submissions",          CONFIG_KEYS_DOORS,   SERVER_SUBMISSIONS,                     0, "",
     "The same with TLS from the first byte."},
    {"listeners", "imap",                 CONFIG_KEYS_DOORS,   SERVER_IMAP,                            0, "",
     "Reading mail; logging in wants STARTTLS."},
    {"listeners", "imaps",                CONFIG_KEYS_DOORS,   SERVER_IMAPS,                           0, "",
     "The same with TLS from the first byte."},
    {"tls",       "certificate",          CONFIG_KEYS_FILE,    AT(server.tls_certificate),             0, "",
     "The certificate with its chain, PEM. Read again when it changes and on SIGHUP; the user has to be able to read it. "
     "Without one the server makes a certificate of its own, which clients will warn about."},
    {"tls",       "key",                  CONFIG_KEYS_FILE,    AT(server.tls_key),                     0, "",
     "Its private key, PEM; may be left out if it is in the certificate's file."},
    {"limits",    "message_bytes",        CONFIG_KEYS_SIZE,    AT(server.route.message_bytes),     65536, NULL,
     "The largest message, by SMTP and by IMAP's APPEND."},
    {"limits",    "rcpt_count",           CONFIG_KEYS_COUNT,   AT(server.route.rcpt_count),          100, NULL,
     "Recipients of one message."},
    {"limits",    "hop_count",            CONFIG_KEYS_COUNT,   AT(server.route.hop_count),            10, NULL,
     "Received fields after which a message is taken to go in circles."},
    {"limits",    "alias_depth_count",    CONFIG_KEYS_COUNT,   AT(server.route.alias_depth_count),     1, NULL,
     "Aliases of aliases of aliases."},
    {"limits",    "alias_total_count",    CONFIG_KEYS_COUNT,   AT(server.route.alias_total_count),     1, NULL,
     "Recipients that one address may grow to."},
    {"limits",    "separators",           CONFIG_KEYS_TEXT,    AT(server.route.separators),            0, "+",
     "What divides a user from the detail in ann+lists@example.org; \"\" for nothing."},
    {"limits",    "loop_count",           CONFIG_KEYS_COUNT,   AT(server.loop_count),                  0, NULL,
     "Threads that serve sessions; 0: one a core."},
    {"limits",    "smtp_line_bytes",      CONFIG_KEYS_SIZE,    AT(server.smtp.line_bytes),           512, NULL,
     "A command line of SMTP."},
    {"limits",    "smtp_error_count",     CONFIG_KEYS_COUNT,   AT(server.smtp.error_count),            1, NULL,
     "Refused commands before an SMTP session is ended."},
    {"limits",    "smtp_auth_count",      CONFIG_KEYS_COUNT,   AT(server.smtp.auth_count),             1, NULL,
     "Refused logins before an SMTP session is ended."},
    {"limits",    "smtp_junk_count",      CONFIG_KEYS_COUNT,   AT(server.smtp.junk_count),             1, NULL,
     "NOOP, RSET, VRFY and HELP between two messages."},
    {"limits",    "smtp_session_count",   CONFIG_KEYS_COUNT,   AT(server.smtp.session_count),          1, NULL,
     "Sessions at a time, for each kind of SMTP listener."},
    {"limits",    "smtp_ip_count",        CONFIG_KEYS_COUNT,   AT(server.smtp.ip_count),               0, NULL,
     "SMTP sessions from one address (IPv6: one /64) at a time; 0: no limit."},
    {"limits",    "smtp_handshake_ms",    CONFIG_KEYS_MS,      AT(server.smtp.handshake_ms),        1000, NULL,
     "Time for a TLS handshake."},
    {"limits",    "smtp_command_ms",      CONFIG_KEYS_MS,      AT(server.smtp.command_ms),          1000, NULL,
     "Time until the next command."},
    {"limits",    "smtp_data_bytes_per_s", CONFIG_KEYS_COUNT,  AT(server.smtp.data_bytes_per_s),       0, NULL,
     "The slowest sender of a message that is tolerated, averaged."},
    {"limits",    "smtp_transaction_ms",  CONFIG_KEYS_MS,      AT(server.smtp.transaction_ms),     10000, NULL,
     "Time from MAIL to the end of its message."},
    {"limits",    "smtp_turn_count",      CONFIG_KEYS_COUNT,   AT(server.smtp.turn_count),             1, NULL,
     "Pipelined commands that are run before other sessions have their turn."},
    {"limits",    "imap_line_bytes",      CONFIG_KEYS_SIZE,    AT(server.imap.line_bytes),          8192, NULL,
     "A command of IMAP with its small literals."},
    {"limits",    "imap_line_preauth_bytes", CONFIG_KEYS_SIZE, AT(server.imap.line_preauth_bytes),  1024, NULL,
     "The same before the login."},
    {"limits",    "imap_literal_bytes",   CONFIG_KEYS_SIZE,    AT(server.imap.literal_bytes),       1024, NULL,
     "A literal that is not a message."},
    {"limits",    "imap_command_bytes",   CONFIG_KEYS_SIZE,    AT(server.imap.command_bytes),       8192, NULL,
     "A command with all its literals."},
    {"limits",    "imap_depth_count",     CONFIG_KEYS_COUNT,   AT(server.imap.depth_count),            4, NULL,
     "Nested parentheses."},
    {"limits",    "imap_bad_count",       CONFIG_KEYS_COUNT,   AT(server.imap.bad_count),              1, NULL,
     "Commands not understood before an IMAP session is ended."},
    {"limits",    "imap_session_count",   CONFIG_KEYS_COUNT,   AT(server.imap.session_count),          1, NULL,
     "Sessions at a time, for each kind of IMAP listener."},
    {"limits",    "imap_ip_count",        CONFIG_KEYS_COUNT,   AT(server.imap.ip_count),               0, NULL,
     "IMAP connections from one address at a time that have not logged in yet; 0: no limit."},
    {"limits",    "imap_user_count",      CONFIG_KEYS_COUNT,   AT(server.imap.user_count),             0, NULL,
     "IMAP sessions of one account at a time; 0: no limit."},
    {"limits",    "imap_handshake_ms",    CONFIG_KEYS_MS,      AT(server.imap.handshake_ms),        1000, NULL,
     "Time for a TLS handshake."},
    {"limits",    "imap_preauth_ms",      CONFIG_KEYS_MS,      AT(server.imap.preauth_ms),          1000, NULL,
     "Time from the greeting to the login."},
    {"limits",    "imap_idle_ms",         CONFIG_KEYS_MS,      AT(server.imap.idle_ms),          1800000, NULL,
     "Silence after which a session is ended; 30 minutes is the least that the standard allows."},
    {"limits",    "imap_stuck_ms",        CONFIG_KEYS_MS,      AT(server.imap.stuck_ms),            1000, NULL,
     "Time for a client that does not read its replies."},
    {"limits",    "imap_still_here_ms",   CONFIG_KEYS_MS,      AT(server.imap.still_here_ms),          0, NULL,
     "Time between two signs of life in IDLE; 0: none."},
    {"limits",    "imap_turn_count",      CONFIG_KEYS_COUNT,   AT(server.imap.turn_count),             1, NULL,
     "Pipelined commands that are run before other sessions have their turn."},
    {"limits",    "imap_message_count",   CONFIG_KEYS_COUNT,   AT(server.imap.message_count),          0, NULL,
     "Messages that one command of IMAP may touch, MESSAGELIMIT of RFC 9738; clients that do not know it see only the last "
     "ones of a larger mailbox. 1000 or more; 0: no limit."},
    {"limits",    "imap_save_count",      CONFIG_KEYS_COUNT,   AT(server.imap.save_count),             0, NULL,
     "Messages that one COPY may copy, SAVELIMIT of RFC 9738; 0: no limit."},
    {"limits",    "imap_append_count",    CONFIG_KEYS_COUNT,   AT(server.imap.append_count),           1, NULL,
     "Messages of one APPEND, which are made in one go (MULTIAPPEND)."},
    {"limits",    "imap_unauthenticate",  CONFIG_KEYS_YES,     AT(server.imap.unauthenticate),         0, NULL,
     "Whether UNAUTHENTICATE (RFC 8437) is offered."},
    {"limits",    "imap_headers_8bit",    CONFIG_KEYS_YES,     AT(server.imap.headers_8bit),           0, NULL,
     "Whether APPEND takes messages with 8-bit header fields from clients that have not enabled UTF8=ACCEPT. RFC 9755 wants them "
     "refused; but old mail has such headers, and clients that move it do not know."},
    {"limits",    "auth_thread_count",    CONFIG_KEYS_COUNT,   AT(server.auth.thread_count),           0, NULL,
     "Threads that check passwords; 0: one a core."},
    {"limits",    "auth_queue_count",     CONFIG_KEYS_COUNT,   AT(server.auth.queue_count),            1, NULL,
     "Logins that may wait; beyond it the answer is \"try again\"."},
    {"limits",    "auth_cache_s",         CONFIG_KEYS_SECONDS, AT(server.auth.cache_s),                0, NULL,
     "How long a password that was right is remembered (as a keyed hash); 0: not at all."},
    {"limits",    "auth_fail_ms",         CONFIG_KEYS_MS,      AT(server.auth.fail_ms),                0, NULL,
     "A refused login is told no sooner than this."},
    {"limits",    "auth_minute_count",    CONFIG_KEYS_COUNT,   AT(server.auth.minute_count),           0, NULL,
     "Wrong passwords and tokens from one address (IPv6: one /64) in a minute; beyond it the answer is \"try again\"; 0: no limit."},
    {"limits",    "auth_day_count",       CONFIG_KEYS_COUNT,   AT(server.auth.day_count),              0, NULL,
     "The same in a day."},
    {"store",     "cache_bytes",          CONFIG_KEYS_SIZE,    AT(server.store.cache_bytes),     4194304, NULL,
     "Memory for pages of the store."},
    {"store",     "low_water_bytes",      CONFIG_KEYS_SIZE64,  AT(server.store.low_water_bytes), 1048576, NULL,
     "With less room than this on the disk new mail is refused for the time being; reading and deleting go on. "
     "At least cache_bytes and 32M; where it is not given, cache_bytes and 64M."},
    {"store",     "ballast_bytes",        CONFIG_KEYS_SIZE64,  AT(server.store.ballast_bytes),         0, NULL,
     "A file that is given up when a full disk keeps the server from starting; 0: none."},
    {"store",     "checkpoint_bytes",     CONFIG_KEYS_SIZE64,  AT(server.store.checkpoint_bytes), 1048576, NULL,
     "Log written between two checkpoints; less makes the start after a crash faster."},
    {"store",     "log_keep_hours",       CONFIG_KEYS_HOURS,   AT(server.store.log_keep_hours),        0, NULL,
     "How long logs that are no longer needed are kept for backups; 0: they go at once."},
    {"store",     "bin_days",             CONFIG_KEYS_DAYS,    AT(server.store.bin_days),              0, NULL,
     "How long expunged messages can be put back by mailstead undelete."},
    {"store",     "changes_days",         CONFIG_KEYS_DAYS,    AT(server.store.changes_days),          1, NULL,
     "How far back the log of changes reaches."},
    {"store",     "batch_count",          CONFIG_KEYS_COUNT,   AT(server.store.batch_count),           1, NULL,
     "Writes that share one flush to the disk at most."},
    {"quota",     "bytes",                CONFIG_KEYS_SIZE64,  AT(server.store.quota_bytes),           0, NULL,
     "What an account may keep that has no quota of its own (mailstead quota); 0: any amount. Mail beyond it is refused for the time being."},
    {"quota",     "messages",             CONFIG_KEYS_COUNT,   AT(server.store.quota_messages),        0, NULL,
     "Likewise: how many messages."},
    {"quota",     "mailboxes",            CONFIG_KEYS_COUNT,   AT(server.store.quota_mailboxes),       0, NULL,
     "Likewise: how many mailboxes."},
    {"quota",     "admins",               CONFIG_KEYS_TEXT,    AT(server.quota_admins),                0, "",
     "Addresses of accounts, with spaces between them, that may look at every account's quota by IMAP and set it."},
    {"auth",      "scram_iteration_count", CONFIG_KEYS_COUNT,  AT(server.auth.scram_iteration_count), 4096, NULL,
     "Iterations of SCRAM for passwords that are set from now on. Clients have to do them at each login, and some refuse more than 65536."},
    {"auth",      "channel_binding",      CONFIG_KEYS_YES,     AT(server.auth.channel_binding),        0, NULL,
     "Whether SCRAM is offered with channel binding (-PLUS) over TLS, by which a client notices somebody in between. Some clients choose it and cannot "
     "do it: mutt with GNU SASL, up to Debian 12."},
    {"auth",      "only_app_passwords",   CONFIG_KEYS_YES,     AT(server.auth.only_app_passwords),     0, NULL,
     "Whether only app passwords (mailstead user app-password) are taken, and no longer the passwords of the accounts themselves: yes or no."},
    {"auth",      "client_ca",            CONFIG_KEYS_FILE,    AT(server.tls_clients),                 0, "",
     "CAs, PEM, whose client certificates log in by EXTERNAL; without it clients are not asked for certificates."},
    {"auth",      "client_map",           CONFIG_KEYS_FILE,    AT(server.auth.certificate_map),        0, "",
     "Lines \"NAME ADDRESS\" that tell which account a client certificate is for. NAME is an e-mail address in it, or sha256:HEX of the whole. "
     "Without it the e-mail address is that of the account."},
    {"auth",      "oauth_keys",           CONFIG_KEYS_FILE,    AT(server.auth.oauth_keys),             0, "",
     "Public keys of those who sign tokens for OAUTHBEARER and XOAUTH2: a JWK set, or PEM. Read again on SIGHUP. Without it neither is offered."},
    {"auth",      "oauth_issuer",         CONFIG_KEYS_TEXT,    AT(server.auth.oauth_issuer),           0, "",
     "The \"iss\" that a token has to have; has to be set with oauth_keys."},
    {"auth",      "oauth_audience",       CONFIG_KEYS_TEXT,    AT(server.auth.oauth_audience),         0, "",
     "One of the \"aud\" that a token has to have; has to be set with oauth_keys."},
    {"auth",      "oauth_claim",          CONFIG_KEYS_TEXT,    AT(server.auth.oauth_claim),            0, "email",
     "The claim of the token that names the account: its address."},
    {"auth",      "oauth_scope",          CONFIG_KEYS_TEXT,    AT(server.auth.oauth_scope),            0, "",
     "Told to clients whose token is refused: what they should ask for."},
    {"logging",   "level",                CONFIG_KEYS_LEVEL,   AT(log_level),                          0, NULL,
     "error, warn, info or debug."},
    {"logging",   "file",                 CONFIG_KEYS_FILE,    AT(log_file),                           0, "",
     "Where the log goes, opened again on SIGHUP; without it, to standard error."},
};
/* clang-format on */
const size_t config_keys_count = sizeof config_keys / sizeof *config_keys;

/* --- numbers with units --- */

struct unit {
    const char *name;
    uint64_t factor;
};
static const struct unit sizes[] = {{"", 1},         {"B", 1},        {"K", 1u << 10},
                                    {"M", 1u << 20}, {"G", 1u << 30}, {"T", UINT64_C(1) << 40},
                                    {NULL, 0}};
static const struct unit times[] = {{"ms", 1},      {"s", 1000},     {"m", 60000},
                                    {"h", 3600000}, {"d", 86400000}, {"w", UINT64_C(7) * 86400000},
                                    {NULL, 0}};

/* How each type reads its numbers: in which units, in what step, up to what. */
static const struct {
    const struct unit *units;
    uint64_t step; /* a plain number counts these */
    uint64_t most;
    const char *expected;
} numbers[CONFIG_KEYS_TYPES] = {
    [CONFIG_KEYS_SIZE] = {sizes, 1, SIZE_MAX, "a size is wanted, such as 4096, 64K, 50M or 2G"},
    [CONFIG_KEYS_SIZE64] = {sizes, 1, UINT64_MAX, "a size is wanted, such as 4096, 64K, 50M or 2G"},
    [CONFIG_KEYS_COUNT] = {NULL, 1, UINT32_MAX, "a whole number is wanted"},
    [CONFIG_KEYS_MS] = {times, 1, UINT32_MAX, "a time is wanted, such as 250ms, 30s, 5m or 2h"},
    [CONFIG_KEYS_SECONDS] = {times, 1000, UINT32_MAX, "a time is wanted, such as 30s, 5m or 2h"},
    [CONFIG_KEYS_HOURS] = {times, 3600000, UINT32_MAX,
                           "a time in hours is wanted, such as 12h or 2d"},
    [CONFIG_KEYS_DAYS] = {times, 86400000, UINT32_MAX,
                          "a time in days is wanted, such as 14d or 2w"}};

/* The factor of a unit; 0: no such unit. */
static uint64_t unit_factor(const struct unit *units, uint64_t plain, struct span name)
{
    if (name.n == 0)
        return plain;
    for (; units && units->name; units++)
        if (span_eq_ci(span_cstr(units->name), name))
            return units->factor;
    return 0;
}

static bool parse_number(enum config_keys_type type, const char *text, uint64_t *out)
{
    size_t digits = strspn(text, "0123456789");
    uint64_t n, factor = unit_factor(numbers[type].units, numbers[type].step,
                                     span_trim(span_cstr(text + digits)));
    if (!span_u64(span_of(text, digits), &n) || factor == 0 || n > UINT64_MAX / factor)
        return false;
    *out = n * factor / numbers[type].step;
    return n * factor % numbers[type].step == 0 && *out <= numbers[type].most;
}

/* With the largest unit that divides it. */
static void write_number(const struct config_keys_row *row, uint64_t n,
                         char out[CONFIG_KEYS_TEXT_BYTES])
{
    const struct unit *best = NULL;
    n *= numbers[row->type].step;
    for (const struct unit *u = numbers[row->type].units; u && u->name; u++)
        if (*u->name != '\0' && *u->name != 'B' && *u->name != 'w' && n && n % u->factor == 0)
            best = u;
    snprintf(out, CONFIG_KEYS_TEXT_BYTES, "%" PRIu64 "%s", best ? n / best->factor : n,
             best ? best->name : "");
}

/* 1, 0, or -1 for neither. */
static int yes_or_no(const char *text)
{
    static const char *const words[2][2] = {{"no", "false"}, {"yes", "true"}};
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 2; k++)
            if (strcmp(text, words[i][k]) == 0)
                return i;
    return -1;
}

static bool refuse(char why[CONFIG_KEYS_TEXT_BYTES], const char *text)
{
    snprintf(why, CONFIG_KEYS_TEXT_BYTES, "%s", text);
    return false;
}

static bool set_number(struct config *c, const struct config_keys_row *row, const char *text,
                       char why[CONFIG_KEYS_TEXT_BYTES])
{
    uint64_t n;
    char *at = (char *)c + row->offset, least[CONFIG_KEYS_TEXT_BYTES];
    if (!parse_number(row->type, text, &n))
        return refuse(why, numbers[row->type].expected);
    if (n < row->least) {
        write_number(row, row->least, least);
        snprintf(why, CONFIG_KEYS_TEXT_BYTES, "at least %.40s is wanted", least);
        return false;
    }
    if (row->type == CONFIG_KEYS_SIZE)
        *(size_t *)(void *)at = (size_t)n;
    else if (row->type == CONFIG_KEYS_SIZE64)
        *(uint64_t *)(void *)at = n;
    else
        *(unsigned *)(void *)at = (unsigned)n;
    return true;
}

/* --- doors --- */

static const char *const doors[SERVER_SERVICES][2] = {
    [SERVER_SMTP] = {"0.0.0.0:25", "[::]:25"},
    [SERVER_SUBMISSION] = {"0.0.0.0:587", "[::]:587"},
    [SERVER_SUBMISSIONS] = {"0.0.0.0:465", "[::]:465"},
    [SERVER_IMAP] = {"0.0.0.0:143", "[::]:143"},
    [SERVER_IMAPS] = {"0.0.0.0:993", "[::]:993"}};

/* "ADDR:PORT" or "[ADDR6]:PORT". */
static bool door_is_well_formed(const char *text)
{
    const char *colon = strrchr(text, ':');
    uint32_t port;
    if (!colon || !span_u32(span_cstr(colon + 1), &port) || port > 65535)
        return false;
    bool six = text[0] == '[' && colon[-1] == ']';
    char host[64];
    unsigned char address[sizeof(struct in6_addr)];
    snprintf(host, sizeof host, "%.*s", (int)(colon - text) - (six ? 2 : 0), text + six);
    return inet_pton(six ? AF_INET6 : AF_INET, host, address) == 1;
}

static bool add_door(struct config *c, const struct config_keys_row *row, const char *text,
                     char why[CONFIG_KEYS_TEXT_BYTES])
{
    struct server_options *o = &c->server;
    if (!door_is_well_formed(text))
        return refuse(why, "ADDR:PORT or [IPV6]:PORT is wanted, with numbers");
    for (size_t i = 0; i < o->door_count; i++)
        if (strcmp(o->doors[i].where, text) == 0)
            return refuse(why, "it is a listener already");
    if (o->door_count == SERVER_DOOR_COUNT)
        return refuse(why, "there are too many listeners");
    o->doors[o->door_count++] = (struct server_door){(enum server_service)row->offset,
                                                     arena_cstr(c->arena, span_cstr(text)), -1};
    return true;
}

const char *config_keys_door(enum server_service service, size_t i)
{
    return i < 2 ? doors[service][i] : NULL;
}

/* --- all types --- */

bool config_keys_set(struct config *c, const struct config_keys_row *row, const char *text,
                     char why[CONFIG_KEYS_TEXT_BYTES])
{
    char *at = (char *)c + row->offset;
    if (row->type == CONFIG_KEYS_DOORS)
        return add_door(c, row, text, why);
    if (numbers[row->type].expected)
        return set_number(c, row, text, why);
    if (row->type == CONFIG_KEYS_YES) {
        if (yes_or_no(text) < 0)
            return refuse(why, "yes or no is wanted");
        *(unsigned *)(void *)at = (unsigned)yes_or_no(text);
        return true;
    }
    if (row->type == CONFIG_KEYS_LEVEL)
        return log_level_named(span_cstr(text), &c->log_level) ||
               refuse(why, "error, warn, info or debug is wanted");
    if (row->type == CONFIG_KEYS_FILE && *text != '/' && *text != '\0')
        return refuse(why, "an absolute path is wanted");
    *(const char **)(void *)at = arena_cstr(c->arena, span_cstr(text));
    return true;
}

void config_keys_default(const struct config_keys_row *row, char out[CONFIG_KEYS_TEXT_BYTES])
{
    struct config *c = config_new();
    const char *at = (const char *)c + row->offset;
    if (row->type == CONFIG_KEYS_YES)
        snprintf(out, CONFIG_KEYS_TEXT_BYTES, "%s",
                 *(const unsigned *)(const void *)at ? "yes" : "no");
    else if (row->type == CONFIG_KEYS_LEVEL)
        snprintf(out, CONFIG_KEYS_TEXT_BYTES, "info");
    else if (row->type == CONFIG_KEYS_DOORS)
        snprintf(out, CONFIG_KEYS_TEXT_BYTES, "{\"%s\", \"%s\"}", doors[row->offset][0],
                 doors[row->offset][1]);
    else if (row->fallback)
        snprintf(out, CONFIG_KEYS_TEXT_BYTES, "\"%s\"", row->fallback);
    else if (row->type == CONFIG_KEYS_SIZE)
        write_number(row, *(const size_t *)(const void *)at, out);
    else if (row->type == CONFIG_KEYS_SIZE64)
        write_number(row, *(const uint64_t *)(const void *)at, out);
    else
        write_number(row, *(const unsigned *)(const void *)at, out);
    config_free(&c);
}

/* --- the manual --- */

static const struct {
    const char *name, *title, *text;
} sections[] = {
    {"", "Outside of all sections", ""},
    {"listeners", "Section listeners",
     "Where the server listens. With sockets from systemd (LISTEN_FDS, each named smtp, "
     "submission, submissions, imap or imaps "
     "by FileDescriptorName=) those are used and this section is not."},
    {"tls", "Section tls", ""},
    {"limits", "Section limits",
     "What a peer may do. The names end in the unit of a plain number."},
    {"store", "Section store", ""},
    {"auth", "Section auth", "How users prove who they are; docs/authentication.md tells more."},
    {"logging", "Section logging", ""},
};

static void man_text(const char *text, FILE *out)
{
    for (const char *p = text; *p; p++) {
        if (*p == '-' || *p == '\\')
            fputc('\\', out);
        fputc(*p == '\\' ? 'e' : *p, out);
    }
}

static void man_key(const struct config_keys_row *row, FILE *out)
{
    char text[CONFIG_KEYS_TEXT_BYTES];
    config_keys_default(row, text);
    fprintf(out, ".TP\n\\fB%s\\fR = %s\n", row->name, text);
    man_text(row->help, out);
    if (row->least > 1 && numbers[row->type].expected) {
        write_number(row, row->least, text);
        fprintf(out, " At least %s.", text);
    }
    fputc('\n', out);
}

void config_keys_man(FILE *out)
{
    fputs(
        ".TH MAILSTEAD.CONF 5\n.SH NAME\nmailstead.conf \\- configuration of mailstead serve\n"
        ".SH SYNOPSIS\n.I " CONFIG_FILE "\n"
        ".SH DESCRIPTION\nKeys and values as libconfuse reads them: \\fIkey\\fR = \\fIvalue\\fR, "
        "\\fIsection\\fR { ... }, lists {\\fIa\\fR, \\fIb\\fR}, comments from # to the end of the "
        "line. Texts with other characters than letters, digits and dots stand between double "
        "quotes. "
        "What is not in the file has the value that is shown here. A plain number of a time or a "
        "size "
        "counts the unit that the name of the key ends in; 64K, 50M, 2G, 250ms, 30s, 5m, 2h, 14d "
        "and "
        "2w are understood too.\n.PP\n.B mailstead check\\-config\ntells every error in the file.\n"
        ".SH KEYS\n",
        out);
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        fprintf(out, ".SS %s\n", sections[i].title);
        if (*sections[i].text) {
            man_text(sections[i].text, out);
            fputc('\n', out);
        }
        for (size_t k = 0; k < config_keys_count; k++)
            if (strcmp(config_keys[k].section, sections[i].name) == 0)
                man_key(&config_keys[k], out);
    }
    fputs(".SH SEE ALSO\n.BR mailstead (1)\n", out);
}
