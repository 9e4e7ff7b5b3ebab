#include "main/admin.h"
#include "main/cli.h"
#include "main/lab.h"
#include "main/serve.h"

/* clang-format off */
#define WHERE                                                                                                   \
    {"config", "FILE", "the configuration that names the store [/etc/mailstead/mailstead.conf]", false},        \
    {"dir", "DIR", "the store itself, instead of a configuration", false}
#define END {NULL, NULL, NULL, false}

static const struct cli_option none[] = {END};
static const struct cli_option where[] = {WHERE, END};

static const struct cli_option lab_options[] = {
    {"dir",        "DIR",              "keep the store there; without it the store is temporary", false},
    {"smtp",       "ADDR:PORT",        "SMTP door [127.0.0.1:1025]; port 0 picks a free one", false},
    {"submission", "ADDR:PORT",        "submission door [127.0.0.1:1587]", false},
    {"imap",       "ADDR:PORT",        "IMAP door [127.0.0.1:1143]", false},
    {"imaps",      "ADDR:PORT",        "IMAP over TLS door [127.0.0.1:1993]", false},
    {"user",       "ADDRESS:PASSWORD", "an account with that password only", true},
    {"only-users", NULL,               "nobody logs in but those of --user; SCRAM is offered then", false},
    {"ready-file", "FILE",             "write KEY=value lines there when ready, in one step", false},
    {"print",      "env",              "print the KEY=value lines instead of the block of addresses", false},
    END
};
static const struct cli_option serve_options[] = {
    {"config", "FILE", "configuration file [/etc/mailstead/mailstead.conf]", false},
    END
};
static const struct cli_option password_options[] = {
    WHERE,
    {"password-stdin", NULL, "read the password from standard input, one line", false},
    {"generate",       NULL, "make a password and show it once", false},
    END
};
static const struct cli_option app_password_options[] = {
    WHERE,
    {"protocol", "NAME", "only for imap, submission (or smtp) or pop3 [all]", true},
    {"expires",  "WHEN", "good until then: 12h, 90d, 52w, 2027-12-31 (UTC) [for ever]", false},
    {"from",     "NETWORK", "only from there: 192.0.2.0/24, 2001:db8::/32, 198.51.100.7 [everywhere]", true},
    END
};
static const struct cli_option quota_options[] = {
    WHERE,
    {"bytes",     "SIZE",   "bytes of messages: 500M, 2G, none, default", false},
    {"messages",  "NUMBER", "messages", false},
    {"mailboxes", "NUMBER", "mailboxes", false},
    END
};
static const struct cli_option undelete_options[] = {
    WHERE,
    {"since", "WHEN", "expunged since then: 45m, 2h, 3d, 2026-11-23 or 2026-11-23T20:00:00 (UTC) [all that is left]", false},
    {"list",  NULL,   "only list what could be restored", false},
    END
};

const struct cli_command commands[] = {
    {"lab", "", "a server in the foreground with no configuration",
     "For trying out and for tests. It takes mail for any address at any domain; the mailbox is made at\n"
     "the first delivery or login. Any password is right unless --user gave one. Nothing leaves the\n"
     "machine. SIGTERM or SIGINT ends it. The lines of --ready-file: MAILSTEAD_SMTP,\n"
     "MAILSTEAD_SUBMISSION, MAILSTEAD_IMAP, MAILSTEAD_IMAPS (each ADDR:PORT), MAILSTEAD_CA (file),\n"
     "MAILSTEAD_PID.",
     lab_options, 0, 0, lab_run, NULL},
    {"serve", "", "the production server",
     "Started as root it opens its ports and becomes the user of the configuration; unprivileged it\n"
     "takes ports that it may open, or the sockets of systemd. SIGHUP reads certificates again and\n"
     "opens the log again; SIGTERM ends it.",
     serve_options, 0, 0, serve_run, NULL},
    {"check-config", "[FILE]", "check a configuration and tell every error in it",
     "Without FILE it is /etc/mailstead/mailstead.conf. Each error is a line FILE:LINE: TEXT on standard\n"
     "error; the exit code is 78 then.",
     none, 0, 1, serve_check_config, NULL},
    {"domain add", "DOMAIN...", "take mail for a domain",
     "Makes the store if there is none yet.",
     where, 1, -1, NULL, admin_domain_add},
    {"domain remove", "DOMAIN...", "no longer take mail for a domain",
     "Its accounts and aliases have to be removed first.",
     where, 1, -1, NULL, admin_domain_remove},
    {"domain list", "", "list the domains",
     "One a line, sorted.",
     where, 0, 0, NULL, admin_domain_list},
    {"user add", "ADDRESS", "make an account with its mailboxes",
     "The password is asked for, or comes from --password-stdin, or is made by --generate. The mailboxes:\n"
     "INBOX, Drafts, Sent, Junk, Trash, Archive.",
     password_options, 1, 1, NULL, admin_user_add},
    {"user remove", "ADDRESS", "take an account and all its mail away for good", "",
     where, 1, 1, NULL, admin_user_remove},
    {"user list", "", "list the accounts",
     "One a line, sorted.",
     where, 0, 0, NULL, admin_user_list},
    {"user passwd", "ADDRESS", "set a new password", "",
     password_options, 1, 1, NULL, admin_user_passwd},
    {"user app-password add", "ADDRESS NAME", "make a password for one program, and show it once",
     "It works beside the password of the account, until it expires or is removed, with every mechanism\n"
     "that takes a password. NAME tells it from the others.",
     app_password_options, 2, 2, NULL, admin_app_password_add},
    {"user app-password remove", "ADDRESS NAME", "revoke an app password",
     "From the next login on it is wrong.",
     where, 2, 2, NULL, admin_app_password_remove},
    {"user app-password list", "ADDRESS", "list the app passwords of an account",
     "One a line, sorted by name, with tabs between: name, protocols, networks, made, expires, last used,\n"
     "from which address.",
     where, 1, 1, NULL, admin_app_password_list},
    {"quota set", "ADDRESS", "limit what an account may keep",
     "\"none\" is no limit, \"default\" what the configuration says. Mail beyond a quota is refused for the time\n"
     "being (452 4.2.2); APPEND and COPY are refused ([OVERQUOTA]). Expunged messages do not count.",
     quota_options, 1, 1, NULL, admin_quota_set},
    {"quota list", "", "list what accounts keep and may keep",
     "One a line, sorted, with tabs: the address; then bytes, messages and mailboxes, each as USED/LIMIT; a limit\n"
     "of \"-\" is none.",
     where, 0, 0, NULL, admin_quota_list},
    {"alias add", "ALIAS TARGET...", "deliver mail for one address to others",
     "ALIAS is an address, or @DOMAIN for whatever else comes to that domain. Targets are added to those\n"
     "that the alias has. An account that is also the alias of that name gets mail only if it is among\n"
     "the targets itself.",
     where, 2, -1, NULL, admin_alias_add},
    {"alias remove", "ALIAS", "take an alias away", "",
     where, 1, 1, NULL, admin_alias_remove},
    {"alias list", "", "list the aliases",
     "One a line, sorted: the alias and its targets, with spaces between them.",
     where, 0, 0, NULL, admin_alias_list},
    {"shared add", "ADDRESS", "make an account that several users share",
     "Nobody logs in to it; its address gets mail. Its mailboxes are in the namespace Shared/ADDRESS/ of those\n"
     "who have rights to them: mailstead acl set ADDRESS INBOX USER RIGHTS. A new mailbox takes the rights\n"
     "of the one above it, at the top those of INBOX. mailstead user remove takes it away.",
     where, 1, 1, NULL, admin_share_add},
    {"shared create", "ADDRESS MAILBOX", "make a mailbox in a shared account", "",
     where, 2, 2, NULL, admin_share_create},
    {"shared list", "", "list the shared accounts",
     "One a line, sorted.",
     where, 0, 0, NULL, admin_share_list},
    {"acl list", "ADDRESS MAILBOX", "list who has which rights to a mailbox of an account",
     "One a line: the user or anyone, and the rights as letters (RFC 4314): l see it, r read it, s keep it\n"
     "read, w other flags, i add messages, p post, k make mailboxes below it, x delete it, t mark as\n"
     "deleted, e expunge, a give rights. A user with - before it has these rights taken away.",
     where, 2, 2, NULL, admin_share_rights},
    {"acl set", "ADDRESS MAILBOX USER RIGHTS", "give rights to a mailbox",
     "USER is an address or anyone; - before it takes the rights away even if another entry gives them.\n"
     "RIGHTS are letters as in mailstead acl list; + or - before them adds them to, or takes them from, those\n"
     "that the user has.",
     where, 4, 4, NULL, admin_share_set},
    {"acl remove", "ADDRESS MAILBOX USER", "take what acl set gave to a user away", "",
     where, 3, 3, NULL, admin_share_unset},
    {"undelete", "ADDRESS", "put expunged messages back, flags kept",
     "They come back into the mailbox that they were in, with new UIDs. A line for each: when it was\n"
     "expunged, mailbox, bytes, flags, subject, with tabs between them.",
     undelete_options, 1, 1, NULL, admin_undelete},
    {"check", "", "prove the invariants of the store; a line for each that is broken",
     "Ends with a line ok: and what was read, or with exit code 1. A running server goes on meanwhile.",
     where, 0, 0, NULL, admin_store_check},
    {"dump", "", "write the whole store to standard output as text",
     "Newline-delimited JSON with everything that the store knows, passwords as their verifiers;\n"
     "docs/dump.md describes it. mailstead load reads it.",
     where, 0, 0, NULL, admin_store_dump},
    {"load", "", "read a dump from standard input into an empty store",
     "Makes the store if there is none yet.",
     where, 0, 0, NULL, admin_store_load},
    {"reindex", "", "build the index of substring searches anew",
     "Searches go on meanwhile, and their results are complete, but they read all mail that is not in the\n"
     "index yet. Ends with a line ok: and what was indexed. Not needed but after damage.",
     where, 0, 0, NULL, admin_store_reindex},
    {"stats", "", "figures of a store or a running server", "",
     where, 0, 0, NULL, admin_store_stats},
};
/* clang-format on */
const size_t commands_count = sizeof commands / sizeof *commands;
