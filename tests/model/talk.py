"""tests/model/talk.py: invents commands of IMAP and of its extensions that are nearly right: each rule is a list of ways, a way is text with
other rules in <>. Whoever wants nonsense changes bytes of it afterwards; what reaches the end of a parser has a meaning, now and then."""
import re

RULES = {
    "command": ["<select>"] * 2 + ["<fetch>", "<store>", "<search>", "<sort>", "<thread>", "<copy>", "<append>", "<replace>", "<list>", "<boxes>", "<acl>",
                                   "<quota>", "<metadata>", "<multi>", "<status>", "<plain>", "<enable>", "<expunge>", "<context>", "<batches>", "<notify>"],
    "select": ["SELECT <box>", "SELECT INBOX", "EXAMINE <box>", "SELECT <box> (<param>)", "SELECT INBOX (QRESYNC (<n> <n><known>))",
               "SELECT INBOX (QRESYNC (1 <n> <set> (<set> <set>)))", "EXAMINE INBOX (CONDSTORE QRESYNC (<n> <n>))"],
    "param": ["CONDSTORE", "QRESYNC (<n> <n>)", "CONDSTORE CONDSTORE", "FROB", "QRESYNC"],
    "known": ["", " <set>", " (<set> <set>)", " <set> (<set> <set>)", " <set> (1,2 5)"],
    "fetch": ["<uid>FETCH <set> <item>", "<uid>FETCH <set> (<items>)", "<uid>FETCH <set> (<items>) (<mod>)", "UID FETCH <set> (<items>) (CHANGEDSINCE <n> VANISHED)"],
    "mod": ["CHANGEDSINCE <n>", "VANISHED", "CHANGEDSINCE <n> VANISHED", "PARTIAL <range>", "PARTIAL <range> CHANGEDSINCE <n>"],
    "item": ["FLAGS", "UID", "ENVELOPE", "BODYSTRUCTURE", "BODY", "MODSEQ", "INTERNALDATE", "SAVEDATE", "RFC822.SIZE", "RFC822", "RFC822.HEADER", "RFC822.TEXT", "EMAILID",
             "THREADID", "PREVIEW", "PREVIEW (LAZY)", "BODY<peek>[<section>]<part>", "BODY<peek>[<section>]", "BINARY<peek>[<dots>]<part>", "BINARY.SIZE[<dots>]",
             "ALL", "FAST", "FULL", "(<items>)"],
    "items": ["<item>", "<item> <item>", "<item> <items>"],
    "peek": ["", ".PEEK"], "part": ["", "<<n>.<n>>", "<<n>>", "<0.99999999999>"],
    "section": ["", "<dots>", "<dots>.MIME", "<dots>.HEADER", "HEADER", "TEXT", "HEADER.FIELDS (<astring>)", "HEADER.FIELDS.NOT (<astring> <astring>)", "<dots>.HEADER.FIELDS (<astring>)",
                "<dots>.TEXT", "MIME"],
    "dots": ["", "1", "2", "<n>.<n>", "1.1.1.2", "1.<dots>"],
    "store": ["<uid>STORE <set> <sign>FLAGS<silent> (<flags>)", "<uid>STORE <set> (UNCHANGEDSINCE <n>) <sign>FLAGS<silent> (<flags>)", "<uid>STORE <set> FLAGS <flag>"],
    "sign": ["+", "-", ""], "silent": ["", ".SILENT"],
    "flags": ["", "<flag>", "<flag> <flags>"],
    "flag": ["\\Seen", "\\Deleted", "\\Flagged", "\\Recent", "\\Strange", "$Important", "kw", "<atom>", "\\*"],
    "search": ["<uid>SEARCH <key>", "<uid>SEARCH RETURN (<returns>) <key>", "<uid>SEARCH CHARSET <charset> <keys>", "<uid>SEARCH RETURN (<returns>) CHARSET <charset> <keys>"],
    "returns": ["", "<return>", "<return> <returns>"],
    "return": ["MIN", "MAX", "ALL", "COUNT", "SAVE", "PARTIAL <range>", "UPDATE", "CONTEXT", "RELEVANCY", "FROB 3"],
    "range": ["<n>:<n>", "-<n>:-<n>", "<n>:*", "1:4294967295", "-1:-4294967295"],
    "charset": ["UTF-8", "US-ASCII", "ISO-8859-1", "KOI8-R", "utf-7", "<astring>"],
    "keys": ["<key>", "<key> <keys>"],
    "key": ["ALL", "ANSWERED", "SEEN", "UNSEEN", "RECENT", "OLD", "NEW", "DRAFT", "KEYWORD <atom>", "UNKEYWORD kw", "FROM <astring>", "SUBJECT <astring>", "BODY <astring>",
            "TEXT <astring>", "HEADER <astring> <astring>", "NOT <key>", "OR <key> <key>", "(<keys>)", "BEFORE <date>", "SENTSINCE <date>", "SAVEDBEFORE <date>", "SAVEDATESUPPORTED",
            "SAVEDSINCE <date>", "LARGER <n>", "SMALLER <n>", "OLDER <n>", "YOUNGER <n>", "UID <set>", "<set>", "$", "MODSEQ <n>", "MODSEQ \"/flags/\\\\draft\" all <n>", "EMAILID <atom>",
            "THREADID <atom>", "FUZZY <key>", "FUZZY (<keys>)", "UIDAFTER <n>", "UIDBEFORE <n>", "FILTER <atom>", "INTHREAD <key>"],
    "date": ["1-Jan-2020", "\"31-Feb-1999\"", "29-Feb-2024", "1-Jan-0000", "99-Xyz-20", "<atom>"],
    "sort": ["<uid>SORT (<orders>) <charset> <keys>", "<uid>SORT RETURN (<returns>) (<orders>) <charset> <keys>"],
    "orders": ["<order>", "<order> <orders>", "REVERSE <order>"],
    "order": ["ARRIVAL", "CC", "DATE", "FROM", "SIZE", "SUBJECT", "TO", "DISPLAYFROM", "DISPLAYTO", "REVERSE <order>", "RELEVANCY", "FROB"],
    "thread": ["<uid>THREAD <way> <charset> <keys>"], "way": ["REFERENCES", "REFS", "ORDEREDSUBJECT", "<atom>"],
    "copy": ["<uid>COPY <set> <box>", "<uid>MOVE <set> <box>"],
    "append": ["APPEND <box> <message>", "APPEND <box> <message> <message>", "APPEND <box> (<flags>) <when> <message>", "APPEND <box> CATENATE (<pieces>)", "APPEND <box> UTF8 (<literal8>)"],
    "replace": ["<uid>REPLACE <n> <box> <message>", "<uid>REPLACE <n> <box> (<flags>) CATENATE (<pieces>)"],
    "message": ["<literal>", "<literal8>", "(<flags>) <literal>", "CATENATE (<pieces>)", "\"01-Jan-2020 00:00:00 +0000\" <literal>"],
    "pieces": ["TEXT <literal>", "URL <url>", "<pieces> <pieces>", "TEXT <literal8>"],
    "url": ["\"/INBOX/;UID=1\"", "\"/INBOX;UIDVALIDITY=1/;UID=<n>/;SECTION=<section>\"", "\"/INBOX/;uid=<n>/;section=TEXT/;partial=<n>.<n>\"", "\"imap://x@y/<atom>\"", "<astring>",
            "\"/%49NBOX/;UID=<n>;SECTION=1.2.MIME\"", "\"/Sh%2/;UID=1\""],
    "when": ["\"01-Jan-2020 00:00:00 +0000\"", "\" 1-Jan-2020 25:61:00 +9999\"", "\"\"", "<astring>"],
    "list": ["LIST <ref> <pattern>", "LIST (<selects>) <ref> <pattern>", "LIST <ref> (<pattern> <pattern>)", "LIST <ref> <pattern> RETURN (<lists>)", "LSUB <ref> <pattern>", "XLIST <ref> <pattern>",
             "LIST (<selects>) <ref> (<pattern>) RETURN (<lists>)"],
    "selects": ["", "SUBSCRIBED", "REMOTE", "RECURSIVEMATCH", "SPECIAL-USE", "SUBSCRIBED RECURSIVEMATCH", "<selects> <selects>"],
    "lists": ["", "CHILDREN", "SUBSCRIBED", "SPECIAL-USE", "MYRIGHTS", "STATUS (<counters>)", "METADATA (<entry>)", "<lists> <lists>"],
    "ref": ["\"\"", "INBOX", "\"Shared/\"", "\"Other Users/\"", "<astring>"],
    "pattern": ["*", "%", "\"*\"", "\"%/%\"", "\"*a*b*c*d*e*\"", "Shared/*", "\"Other Users/%\"", "<astring>", "\"\""],
    "status": ["STATUS <box> (<counters>)"],
    "counters": ["<counter>", "<counter> <counters>"],
    "counter": ["MESSAGES", "UIDNEXT", "UIDVALIDITY", "UNSEEN", "DELETED", "SIZE", "RECENT", "HIGHESTMODSEQ", "MAILBOXID", "APPENDLIMIT", "DELETED-STORAGE", "<atom>"],
    "boxes": ["CREATE <box>", "CREATE <box> (USE (\\Sent))", "CREATE <box>/", "DELETE <box>", "RENAME <box> <box>", "SUBSCRIBE <box>", "UNSUBSCRIBE <box>"],
    "acl": ["SETACL <box> <who> <rights>", "DELETEACL <box> <who>", "GETACL <box>", "LISTRIGHTS <box> <who>", "MYRIGHTS <box>", "SETACL INBOX bystander@apart.example lrswipkxtea"],
    "who": ["anyone", "bystander@apart.example", "ann@garbage.example", "-anyone", "<astring>"], "rights": ["lrswipkxteacd", "+lr", "-w", "\"\"", "l", "zz9", "<astring>"],
    "quota": ["GETQUOTA <astring>", "GETQUOTA \"\"", "GETQUOTAROOT <box>", "SETQUOTA \"\" (STORAGE <n>)", "SETQUOTA <astring> (<resource> <n> MESSAGE <n>)"],
    "resource": ["STORAGE", "MESSAGE", "MAILBOX", "<atom>"],
    "metadata": ["GETMETADATA <box> <entry>", "GETMETADATA (<depth>) <box> (<entry> <entry>)", "GETMETADATA \"\" <entry>", "SETMETADATA <box> (<entry> <value>)",
                 "SETMETADATA \"\" (<entry> <value> <entry> <value>)", "SETMETADATA <box> (<entry> NIL)"],
    "depth": ["DEPTH 0", "DEPTH 1", "DEPTH infinity", "MAXSIZE <n>", "DEPTH 1 MAXSIZE <n>"],
    "entry": ["/private/comment", "/shared/comment", "/private/vendor/x/y", "\"/private/a*\"", "/shared/admin", "/private", "//x", "/private/a/", "<astring>", "\"/shared/vendor/<atom>\""],
    "value": ["NIL", "<astring>", "\"text\"", "<literal>", "<literal8>"],
    "multi": ["ESEARCH IN (<sources>) RETURN (<returns>) <keys>", "ESEARCH IN (<sources>) <keys>", "UID ESEARCH IN (<sources>) <keys>", "ESEARCH <keys>"],
    "sources": ["personal", "inboxes", "subscribed", "selected", "selected-delayed", "mailboxes <box>", "mailboxes (<box> <box>)", "subtree <box>", "subtree-one (<box> <box>)",
                "<sources> <sources>"],
    "context": ["CANCELUPDATE \"t1\"", "CANCELUPDATE <astring> <astring>", "SEARCH RETURN (UPDATE) <key>", "UID SORT RETURN (UPDATE PARTIAL 1:3) (SUBJECT) UTF-8 ALL"],
    "batches": ["UIDBATCHES <n>", "UIDBATCHES <n> <n>:<n>", "UIDBATCHES <n> <n>"],
    "notify": ["NOTIFY NONE", "NOTIFY SET (<event>)", "NOTIFY SET STATUS (<event>) (<event>)", "NOTIFY SET (selected <kinds>) (personal NONE)"],
    "event": ["<scope> <kinds>", "<scope> NONE", "<scope> (MessageNew MessageExpunge)"],
    "scope": ["selected", "selected-delayed", "personal", "inboxes", "subscribed", "subtree <box>", "mailboxes (<box> <box>)", "mailboxes <box>", "personal personal"],
    "kinds": ["(MessageNew MessageExpunge)", "(MessageNew (UID FLAGS BODY.PEEK[]) MessageExpunge FlagChange)", "(MailboxName SubscriptionChange)", "(MessageNew)", "(<atom>)",
              "(MessageNew (<items>) MessageExpunge)", "(MailboxMetadataChange ServerMetadataChange)"],
    "enable": ["ENABLE CONDSTORE", "ENABLE QRESYNC", "ENABLE UIDONLY", "ENABLE UTF8=ACCEPT", "ENABLE IMAP4rev2", "ENABLE <atom> <atom>"],
    "plain": ["NOOP", "CHECK", "CLOSE", "UNSELECT", "NAMESPACE", "CAPABILITY", "ID NIL", "ID (\"name\" \"x\" <astring> NIL)", "IDLE\r\nDONE", "LANGUAGE", "LANGUAGE de", "LANGUAGE <astring> <astring>",
              "COMPARATOR", "COMPARATOR i;unicode-casemap", "COMPARATOR \"i;*\" <astring>", "UNAUTHENTICATE", "COMPRESS DEFLATE", "LOGIN ann@garbage.example pw",
              "AUTHENTICATE PLAIN AGFubkBnYXJiYWdlLmV4YW1wbGUAcHc="],
    "expunge": ["EXPUNGE", "UID EXPUNGE <set>"],
    "uid": ["", "UID "],
    "set": ["1", "*", "1:*", "$", "<n>", "<n>:<n>", "<n>,<set>", "*:<n>", "1:4294967295", "<n>:*,<n>"],
    "n": ["0", "1", "2", "3", "7", "20", "4294967295", "4294967296", "18446744073709551615", "9223372036854775807", "99999999999999999999", "-1"],
    "box": ["INBOX"] * 4 + ["Work", "Work/Deep", "\"Shared/ann@garbage.example/INBOX\"", "\"Other Users/bystander@apart.example/INBOX\"", "Other&AOQ-", "&&-", "\"a//b\"", "<astring>", "\"\"", "*"],
    "astring": ["<atom>", "\"<atom>\"", "\"<atom> <atom>\"", "<literal>", "\"\\\\\\\"\"", "\"\u00fc\u0438\u6f22\"", "\"\"", "\"=?utf-8?q?=C3=A9?=\""],
    "atom": ["a", "b", "kw", "subject", "from", "X-Y", "text", "iNbOx", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "."],
    "literal": ["{5+}\r\nhello", "{0+}\r\n", "{26+}\r\nSubject: x\r\nFrom: b\r\n\r\n0", "{5}\r\nhello", "{3+}\r\n\xc3\xa9z", "{12+}\r\nContent-Type"],
    "literal8": ["~{5+}\r\nhe\0lo", "~{26+}\r\nSubject: x\r\nFrom: b\r\n\r\n\0", "~{0+}\r\n"],
}
SLOT = re.compile(r"<([a-z0-9]+)>")


def phrase(rng, rule, left=40):
    """One way of the rule; left: how many rules may still be used within each other."""
    ways = RULES[rule]
    way = rng.choice(ways) if left > 0 else min(ways, key=lambda w: (w.count("<"), len(w)))
    return SLOT.sub(lambda m: phrase(rng, m.group(1), left // 2) if m.group(1) in RULES else m.group(0), way)


def session(rng, user, password):
    """What one client says, from its login on."""
    lines = [f"l LOGIN {user} {password}"]
    lines += [f"e {phrase(rng, 'enable')}" for _ in range(rng.choice([0, 0, 1, 2]))]
    lines += ["s SELECT INBOX"] if rng.random() < 0.8 else []
    lines += [f"t{n} {phrase(rng, 'command')}" for n in range(rng.randint(1, 25))]
    return "".join(line + "\r\n" for line in lines).encode("utf-8")
