#include "imapd/imap_language.h"

#include "imapd/imap_parse.h"
#include "imapd/imap_session.h"
#include "imapd/imap_verbs.h"

/* Room: LANGUAGE, RFC 5255 §3.2, and the texts. The English ones stand where they are said and are the keys of the table;
 * what is not in it is said in English. */

enum language { I_DEFAULT, ENGLISH, GERMAN, LANGUAGES };

static const struct span tags[LANGUAGES] = {
    [I_DEFAULT] = SPAN_ROW("i-default"),
    [ENGLISH] = SPAN_ROW("EN"),
    [GERMAN] = SPAN_ROW("DE"),
};

/* clang-format off */
static const struct {
    const char *english, *german;
} texts[] = {
    /* sorted by the English; a test checks it */
    {"A limit of this server is reached", "Eine Grenze dieses Servers ist erreicht"},
    {"A literal is cut off", "Ein Literal ist abgeschnitten"},
    {"A mailbox name is not UTF-8", "Der Name eines Postfachs ist kein UTF-8"},
    {"A mailbox name is not modified UTF-7", "Der Name eines Postfachs ist kein modifiziertes UTF-7"},
    {"A message of no bytes is not kept", "Eine leere Nachricht wird nicht aufbewahrt"},
    {"A quoted string does not end", "Eine Zeichenkette in Anführungszeichen endet nicht"},
    {"Authentication cancelled", "Anmeldung abgebrochen"},
    {"Autologout; idle for too long", "Abgemeldet, weil zu lange nichts geschah"},
    {"Begin TLS now", "TLS beginnt jetzt"},
    {"Done", "Erledigt"},
    {"Enabled", "Eingeschaltet"},
    {"Expected a MODSEQ", "Ein MODSEQ wird erwartet"},
    {"Expected a date and time in quotes", "Datum und Uhrzeit in Anführungszeichen werden erwartet"},
    {"Expected a date as 1-Feb-1994", "Ein Datum wie 1-Feb-1994 wird erwartet"},
    {"Expected a message number", "Die Nummer einer Nachricht wird erwartet"},
    {"Expected a number", "Eine Zahl wird erwartet"},
    {"Expected a space", "Ein Leerzeichen wird erwartet"},
    {"Expected a string", "Eine Zeichenkette wird erwartet"},
    {"Expected a tag and a command", "Ein Kennzeichen und ein Befehl werden erwartet"},
    {"Idle ended", "IDLE beendet"},
    {"It exists already", "Das gibt es schon"},
    {"Keyword too long", "Das Schlüsselwort ist zu lang"},
    {"Log in first", "Zuerst anmelden"},
    {"Logged in", "Angemeldet"},
    {"Logged in already", "Schon angemeldet"},
    {"Logging out", "Abmeldung"},
    {"Message numbers begin at 1", "Nachrichten zählen ab 1"},
    {"No CHARSET after ENABLE UTF8=ACCEPT", "Nach ENABLE UTF8=ACCEPT darf CHARSET nicht stehen"},
    {"No further updates", "Es folgen keine Änderungen mehr"},
    {"No such part number", "Diesen Teil gibt es nicht"},
    {"None of these languages is spoken here", "Keine dieser Sprachen wird hier gesprochen"},
    {"Nothing may follow this command", "Hinter diesem Befehl darf nichts stehen"},
    {"Quotas are set by the administrator", "Quoten setzt die Verwaltung des Servers"},
    {"Select a mailbox first", "Zuerst ein Postfach öffnen"},
    {"Some messages were expunged by another session", "Einige Nachrichten hat eine andere Sitzung gelöscht"},
    {"Supported languages have been enumerated", "Dies sind die Sprachen des Servers"},
    {"TLS is in use already", "TLS wird schon benutzt"},
    {"TLS is not set up here", "TLS ist hier nicht eingerichtet"},
    {"That charset is not known", "Dieser Zeichensatz ist nicht bekannt"},
    {"That tag is in use for updates", "Mit diesem Kennzeichen werden schon Änderungen gemeldet"},
    {"The UIDVALIDITY is another one", "Die UIDVALIDITY ist eine andere"},
    {"The disk of the server is full, try again later", "Die Platte des Servers ist voll, bitte später noch einmal versuchen"},
    {"The mailbox was opened with EXAMINE", "Das Postfach wurde mit EXAMINE geöffnet"},
    {"The message to be replaced is gone", "Die Nachricht, die ersetzt werden soll, ist nicht mehr da"},
    {"The search is nested too deeply", "Die Suche ist zu tief geschachtelt"},
    {"The server failed, its log says why", "Der Server hat versagt, sein Protokoll sagt warum"},
    {"The server is busy or stopping, try again later", "Der Server ist beschäftigt oder hält an, bitte später noch einmal versuchen"},
    {"The transfer encoding of a part is not known", "Die Kodierung eines Teils ist nicht bekannt"},
    {"There are too many entries already", "Es gibt schon zu viele Einträge"},
    {"There is no UID form of this command", "Diesen Befehl gibt es nicht mit UID"},
    {"There is no mailbox of that name", "Ein Postfach dieses Namens gibt es nicht"},
    {"There is no message of that UID", "Eine Nachricht mit dieser UID gibt es nicht"},
    {"There is no message of that number", "Eine Nachricht mit dieser Nummer gibt es nicht"},
    {"There is no room left in this account", "In diesem Konto ist kein Platz mehr"},
    {"There is no such comparator", "Diesen Vergleich gibt es nicht"},
    {"There is no such mailbox", "Dieses Postfach gibt es nicht"},
    {"There is no such mailbox or message", "Dieses Postfach oder diese Nachricht gibt es nicht"},
    {"There is no such quota root", "Diese Quote gibt es nicht"},
    {"There is no such right", "Dieses Recht gibt es nicht"},
    {"There is no such special use", "Diese besondere Verwendung gibt es nicht"},
    {"There is no such user here", "Diesen Benutzer gibt es hier nicht"},
    {"There was nothing to copy", "Es gab nichts zu kopieren"},
    {"This cannot be done to it", "Das geht damit nicht"},
    {"This command needs UID before it", "Vor diesem Befehl muss UID stehen"},
    {"This mechanism is not offered", "Dieses Verfahren wird nicht angeboten"},
    {"This name or value is not possible here", "Dieser Name oder Wert ist hier nicht möglich"},
    {"Too long without authentication", "Zu lange ohne Anmeldung"},
    {"Too many bad commands", "Zu viele falsche Befehle"},
    {"Too many contexts", "Zu viele Suchen mit Änderungen"},
    {"Too many flags", "Zu viele Markierungen"},
    {"Too many items", "Zu vieles auf einmal"},
    {"Too many messages to copy", "Zu viele Nachrichten zum Kopieren"},
    {"Too many sets in one search", "Zu viele Mengen in einer Suche"},
    {"Too many texts in one search", "Zu viele Texte in einer Suche"},
    {"Unexpected text at the end", "Am Ende steht zu viel"},
    {"Unknown FETCH item", "Unbekannte Angabe für FETCH"},
    {"Unknown command", "Unbekannter Befehl"},
    {"Unknown option", "Unbekannte Option"},
    {"Unknown search key", "Unbekannter Suchschlüssel"},
    {"Unknown search return option", "Unbekannte Option für das Ergebnis"},
    {"Unknown sort criterion", "Unbekanntes Kriterium zum Sortieren"},
    {"Unknown status item", "Unbekannte Angabe für STATUS"},
    {"Unknown system flag", "Unbekannte Systemmarkierung"},
    {"Unknown threading algorithm", "Unbekanntes Verfahren für THREAD"},
    {"What is stored is damaged, the log says where", "Das Gespeicherte ist beschädigt, das Protokoll sagt wo"},
    {"You have no right to do that", "Dazu fehlt das Recht"},
    {"[NONEXISTENT] The selected mailbox was deleted", "[NONEXISTENT] Das geöffnete Postfach wurde gelöscht"},
    {"[UNAVAILABLE] Server stops, come back soon", "[UNAVAILABLE] Der Server hält an, bitte bald wiederkommen"},
};
/* clang-format on */

#define TEXT_COUNT (sizeof texts / sizeof *texts)

/* NULL: not in the table. */
static const char *in_german(const char *text)
{
    size_t low = 0, high = TEXT_COUNT;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int c = strcmp(text, texts[middle].english);
        if (c == 0)
            return texts[middle].german;
        if (c < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const char *imap_language_text(struct imap_session *s, const char *text)
{
    struct span all = span_cstr(text), end = SPAN(" completed");
    if (s->language != GERMAN)
        return text;
    const char *german = in_german(text);
    if (german)
        return german;
    if (all.n > end.n &&
        span_eq(span_from(all, all.n - end.n), end)) /* "NOOP completed" and the like */
        return arena_printf(s->cmd.arena, "%.*s ausgeführt", SPAN_ARG(span_to(all, all.n - end.n)))
            .p;
    return text;
}

bool imap_language_pair(size_t nth, const char **english, const char **german)
{
    if (nth >= TEXT_COUNT)
        return false;
    *english = texts[nth].english;
    *german = texts[nth].german;
    return true;
}

/* The language for a range, by lookup (RFC 4647 §3.4): subtags are left away from the end until something fits.
 * LANGUAGES: none. */
static enum language look_up(struct span range)
{
    if (span_eq_ci(range, SPAN("default")) || span_eq(range, SPAN("*")))
        return I_DEFAULT;
    while (range.n > 0) {
        for (enum language l = I_DEFAULT; l < LANGUAGES; l++) {
            if (span_eq_ci(range, tags[l]))
                return l;
        }
        while (range.n > 0 && range.p[--range.n] != '-')
            ;
    }
    return LANGUAGES;
}

static enum step list_all(struct imap_cmd *c)
{
    imap_out(c->session, SPAN("* LANGUAGE (EN DE i-default)\r\n"));
    return imap_reply_ok(c, NULL, "Supported languages have been enumerated");
}

/* language-cmd = "LANGUAGE" *(SP lang-range-quoted)    RFC 5255 §3.5 */
enum step imap_language(struct imap_cmd *c)
{
    struct scan *in = &c->args;
    enum language chosen = LANGUAGES;
    if (scan_done(in))
        return list_all(c);
    do {
        enum language l = look_up(imap_parse_astring(in, c->arena));
        if (chosen == LANGUAGES)
            chosen = l;
    } while (scan_try(in, ' '));
    scan_end(in, "Expected language ranges");
    if (!scan_ok(in))
        return imap_reply_bad(c, in->why);
    if (chosen == LANGUAGES)
        return imap_reply_no(c, NULL, "None of these languages is spoken here");
    c->session->language = chosen;
    imap_outf(c->session, "* LANGUAGE (%.*s)\r\n", SPAN_ARG(tags[chosen]));
    return imap_reply_ok(c, NULL, "LANGUAGE completed");
}
