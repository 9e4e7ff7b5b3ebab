#!/usr/bin/env python3
"""tests/acl/matrix.py [--label L]: every command against every right, on the own mailbox, another user's, a shared one and
one that is not there. What must come of it is written down here from the table of RFC 4314, section 4, and from section 6:
who may not see a mailbox gets the same bytes as where there is none (but for the tag and the name)."""
import argparse
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from imap import Gone, Imap  # noqa: E402
from lab import Lab  # noqa: E402

ANN, BOB, TEAM = "ann@example.org", "bob@example.org", "team@example.org"
LETTERS = "lrswipkxtea"
ANY = set("lrikxa")
MAIL = b"Subject: matrix\r\n\r\nhello\r\n"
FLAG_RIGHT = {"\\Seen": "s", "\\Deleted": "t", "\\Flagged": "w", "word": "w"}
ALL_FLAGS = "\\Seen \\Deleted \\Flagged word"

# Commands of the authenticated state: the right that they need on {m}; a string is needed letter by letter. RFC 4314, section 4
COMMANDS = {
    "SELECT": ("r", "SELECT {m}"),
    "EXAMINE": ("r", "EXAMINE {m}"),
    "SELECT (CONDSTORE)": ("r", "SELECT {m} (CONDSTORE)"),
    "STATUS": ("r", "STATUS {m} (MESSAGES UIDNEXT)"),
    "DELETE": ("x", "DELETE {m}"),
    "RENAME": ("x", "RENAME {m} {p}/renamed"),
    "SETACL": ("a", "SETACL {m} anyone l"),
    "SETACL nobody": ("a", "SETACL {m} nobody@example.org l"),
    "DELETEACL": ("a", "DELETEACL {m} anyone"),
    "GETACL": ("a", "GETACL {m}"),
    "LISTRIGHTS": ("a", "LISTRIGHTS {m} anyone"),
    "MYRIGHTS": ("", "MYRIGHTS {m}"),
    "APPEND": ("i", "APPEND {m} (" + ALL_FLAGS + ")"),
    "COPY": ("i", "COPY 1 {m}"),
    "UID COPY": ("i", "UID COPY 1:* {m}"),
    "MOVE": ("i", "MOVE 1 {m}"),
    "REPLACE": ("i", "REPLACE 1 {m} (\\Seen)"),
    "GETQUOTAROOT": ("r", "GETQUOTAROOT {m}"),  # RFC 9208, section 5; of the own account without a right
    "GETMETADATA": ("l and one of rswip", "GETMETADATA {m} /private/comment"),  # RFC 5464, section 3.3
    "SETMETADATA": ("l and one of rswip", 'SETMETADATA {m} (/private/comment "x")'),
    "CREATE below": ("k", "CREATE {m}/below"),
    "RENAME to below": ("k", "RENAME {p}/spare {m}/below"),
}
NEEDS_SELECTED = {"COPY", "UID COPY", "MOVE", "REPLACE"}
NEVER_REFUSED = {"SUBSCRIBE": "SUBSCRIBE {m}", "UNSUBSCRIBE": "UNSUBSCRIBE {m}", "LSUB": 'LSUB "" {m}', "LIST": 'LIST "" {m}',
                 "ESEARCH": "ESEARCH IN (mailboxes {m}) ALL"}

failed = 0
label = ""


def say(name, problems):
    global failed
    failed += bool(problems)
    print(("not ok " if problems else "ok ") + label + name)
    for p in problems[:20]:
        print("    " + p)
    sys.stdout.flush()


class Place:
    """Where a mailbox stands: who gives the rights on it, and what bob calls it."""
    n = 0

    def __init__(self, name, admin, inside, outside):
        self.name, self.admin, self.inside, self.outside = name, admin, inside, outside

    def fresh(self, rights):
        """A new mailbox that bob has these rights to, below one that he may make mailboxes below. Its two names."""
        Place.n += 1
        parent = f"P{Place.n}"
        for leaf in ("box", "spare"):
            self.admin.ok(f'CREATE "{self.inside}{parent}/{leaf}"')
        self.give(f"{parent}", "lk")
        self.give(f"{parent}/spare", "lx")
        self.give(f"{parent}/box", rights)
        return f"{parent}/box", parent

    def give(self, box, rights):
        self.admin.ok(f'SETACL "{self.inside}{box}" {BOB} "{rights}"')


def run(bob, command, **names):
    """The reply and what came before it, without the tag."""
    text = command.format(**names)
    status, rest, untagged = bob.command(text, MAIL if text.startswith(("APPEND", "REPLACE")) else None)
    return status, rest, untagged


def plain(result, *names):
    """Without the names, which are not the same."""
    text = repr(result)
    for name in names:
        text = text.replace(name, "NAME")
    return text


def select_own(bob):
    bob.ok("SELECT Source")
    if "* 0 EXISTS" in str(bob.ok("SELECT Source")[1]):
        bob.ok("APPEND Source (" + ALL_FLAGS + ")", MAIL)
        bob.ok("SELECT Source")


def allowed(place, rights, needed, command=""):
    if "one of" in needed:
        return "l" in rights and bool(rights & set("rswip"))
    return (command == "GETQUOTAROOT" and place.name == "own") or (set(needed) <= rights and bool(ANY & rights))


def expect(problems, what, cond, got):
    if not cond:
        problems.append(f"{what}: {got}")


def rights_sets(place):
    """None, each alone, each with what is needed to know and to open it, all."""
    sets = [""] + list(LETTERS) + ["l" + r for r in LETTERS if r != "l"] + [LETTERS]
    # the owner keeps l and a whatever is taken
    return sorted({"".join(sorted(set(s) | (set("la") if place.name == "own" else set()))) for s in sets})


def flags_of(place, box):
    """As the owner of the rights sees them: of the last message."""
    admin = place.admin
    admin.ok(f'EXAMINE "{place.inside}{box}"')
    _, untagged = admin.ok("FETCH * (FLAGS)")
    admin.ok("UNSELECT")
    text = next(u for u in untagged if b"FETCH" in u).decode()
    return {f for f in FLAG_RIGHT if f in text}


def authenticated(place, bob):
    for name, (needed, command) in COMMANDS.items():
        problems = []
        for text in rights_sets(place):
            rights = set(text)
            box, parent = place.fresh(text)
            absent = box[:-3] + "xob"
            if name in NEEDS_SELECTED:
                select_own(bob)
            below = "below" in name  # where there is none, it can be made: the parent lets bob do that
            not_there = None if below else run(bob, quote(command), m=f"{place.outside}{absent}", p=f"{place.outside}{parent}")
            got = run(bob, quote(command), m=f"{place.outside}{box}", p=f"{place.outside}{parent}")
            what = f"{place.name} with \"{text}\""
            if allowed(place, rights, needed, name):
                if name == "SETACL nobody":
                    expect(problems, what, got[0] == "NO" and "[CANNOT]" in got[1], got)
                else:
                    expect(problems, what, got[0] == "OK", got)
            elif below or "l" in rights:
                expect(problems, what, got[0] == "NO" and got[1].startswith("[NOPERM]"), got)
            else:
                expect(problems, what + " is not like an absent one", plain(got, box) == plain(not_there, absent), f"{got} not {not_there}")
            if name == "APPEND" and got[0] == "OK":
                place.give(box, LETTERS)
                kept = flags_of(place, box) if place.name != "own" else None
                if kept is not None:
                    expect(problems, what + " flags kept", kept == {f for f, r in FLAG_RIGHT.items() if r in rights}, kept)
            if bob_selected(name, got):
                bob.ok("UNSELECT")
        say(f"{place.name}: {name}", problems)


def quote(command):
    """Names in quotes."""
    return command.replace("{m}/below", '"{m}/below"').replace("{p}/renamed", '"{p}/renamed"').replace("{p}/spare", '"{p}/spare"') \
        .replace(" {m}", ' "{m}"')


def bob_selected(name, got):
    return got[0] == "OK" and name in ("SELECT", "EXAMINE", "SELECT (CONDSTORE)")


def never_refused(place, bob):
    for name, command in NEVER_REFUSED.items():
        problems = []
        for text in rights_sets(place):
            box, parent = place.fresh(text)
            absent = box[:-3] + "xob"
            m, no = f"{place.outside}{box}", f"{place.outside}{absent}"
            got = run(bob, quote(command), m=m, p="")
            not_there = run(bob, quote(command), m=no, p="")
            what = f"{place.name} with \"{text}\""
            expect(problems, what, got[0] == "OK", got)
            if name == "LIST" and "l" in text:
                expect(problems, what, len(got[2]) == 1, got)
            elif name != "ESEARCH" or "r" not in text:
                expect(problems, what + " is not like an absent one", plain(got, box) == plain(not_there, absent), (got, not_there))
        say(f"{place.name}: {name}", problems)


def selected(place, bob):
    """With "r" and the rights given the mailbox is open; it has one message without flags and one with \\Deleted."""
    problems = {n: [] for n in ("codes", "STORE +FLAGS", "STORE -FLAGS", "STORE FLAGS", "FETCH", "EXPUNGE", "UID EXPUNGE", "CLOSE", "MOVE from",
                                "COPY from", "SEARCH")}
    sets = ["r"] + ["r" + x for x in LETTERS if x != "r"] + ["rte", LETTERS]
    if place.name == "own":
        sets = sorted({"".join(sorted(set(s) | set("la"))) for s in sets})
    for text in sets:
        rights = set(text)
        what = f"{place.name} with \"{text}\""

        def begin():
            box, _ = place.fresh(LETTERS)
            for flags in ("", "\\Deleted"):
                bob.ok(f'APPEND "{place.outside}{box}" ({flags})', MAIL)
            place.give(box, text)
            return box, bob.ok(f'SELECT "{place.outside}{box}"')

        box, (code, untagged) = begin()
        permanent = next(u for u in untagged if b"PERMANENTFLAGS" in u).decode().split("(")[1].split(")")[0].split()
        want = {f for f in FLAG_RIGHT if FLAG_RIGHT[f] in rights and f != "word"}
        expect(problems["codes"], what, set(permanent) & set(FLAG_RIGHT) == want and ("\\*" in permanent) == ("w" in rights), permanent)
        expect(problems["codes"], what, code.startswith("[READ-WRITE]" if rights & set("iewst") else "[READ-ONLY]"), code)
        expect(problems["SEARCH"], what, bob.command("SEARCH ALL")[0] == "OK", "")
        expect(problems["COPY from"], what, bob.command("COPY 1 Trash")[0] == "OK", "")
        bob.ok("FETCH 1 BODY[TEXT]")
        got = str(bob.ok("FETCH 1 FLAGS")[1])
        expect(problems["FETCH"], what, ("\\Seen" in got.replace("\\\\", "\\")) == ("s" in rights), got)
        for flag, right in FLAG_RIGHT.items():
            for sign in "+-":
                status, rest, _ = bob.command(f"STORE 1 {sign}FLAGS ({flag})")
                good = status == "OK" if right in rights else (status == "NO" and rest.startswith("[NOPERM]"))
                expect(problems[f"STORE {sign}FLAGS"], what + " " + flag, good, (status, rest))
        status, rest, _ = bob.command(f"STORE 1 FLAGS ({ALL_FLAGS})")
        if rights & set("swt"):
            got = str(bob.ok("FETCH 1 FLAGS")[1]).replace("\\\\", "\\")
            expect(problems["STORE FLAGS"], what, status == "OK" and {f for f in FLAG_RIGHT if f in got} == {f for f in FLAG_RIGHT if FLAG_RIGHT[f] in rights}, got)
        else:
            expect(problems["STORE FLAGS"], what, status == "NO" and rest.startswith("[NOPERM]"), (status, rest))
        for verb in ("EXPUNGE", "UID EXPUNGE 1:*", "MOVE 1 Trash", "CLOSE"):
            begin()
            status, rest, untagged = bob.command(verb)
            name = {"UID EXPUNGE 1:*": "UID EXPUNGE", "MOVE 1 Trash": "MOVE from"}.get(verb, verb)
            needed = {"MOVE 1 Trash": "te", "CLOSE": ""}.get(verb, "e")
            good = status == "OK" if set(needed) <= rights else status == "NO" and rest.startswith("[NOPERM]")
            expect(problems[name], what, good, (status, rest, untagged))
            if verb == "CLOSE":
                left = str(bob.ok(f'STATUS "{place.outside}P{Place.n}/box" (MESSAGES)')[1])
                expect(problems[name], what, f"MESSAGES {1 if 'e' in rights else 2}" in left, left)
        bob.command("UNSELECT")
    for name, found in problems.items():
        say(f"{place.name} selected: {name}", found)


def identifiers(ann, bob):
    """anyone, negative rights, owner; and whom they do not touch."""
    problems = []
    cases = [  # entries given to the mailbox, and what bob and ann then have
        (["anyone lr"], "lr", LETTERS), (["anyone lr", f"{BOB} s"], "lrs", LETTERS), (["anyone lrs", f"-{BOB} s"], "lr", LETTERS),
        (["anyone lrs", "-anyone s"], "lr", LETTERS), ([f"{BOB} lrs", "-anyone r"], "ls", LETTERS), (["-anyone lrswite"], "", LETTERS),
        (["owner r"], "", "lra"), ([f"{ANN} \"\""], "", "la"), ([f"{ANN} -wx", f"{BOB} cd"], "kxte", "lrsipktea"),
        (["owner r", f"-{ANN} r"], "", "la"),
    ]
    for i, (entries, his, hers) in enumerate(cases):
        ann.ok(f"CREATE I{i}")
        for e in entries:
            ann.ok(f"SETACL I{i} {e}")
        status, _, untagged = bob.command(f'MYRIGHTS "Other Users/{ANN}/I{i}"')
        got = set(untagged[0].split()[-1].decode()) - set("cd") if status == "OK" else set()
        expect(problems, f"{entries}: bob", got == set(his), got)
        got = set(ann.ok(f"MYRIGHTS I{i}")[1][0].split()[-1].decode()) - set("cd")
        expect(problems, f"{entries}: ann", got == set(hers), got)
    say("identifiers", problems)


def inheritance(ann, bob):
    problems = []
    ann.ok("CREATE H")
    ann.ok(f"SETACL H {BOB} lrk")
    ann.ok("CREATE H/a/b")
    other = f"Other Users/{ANN}/"
    expect(problems, "made below", bob.command(f'MYRIGHTS "{other}H/a/b"')[0] == "OK", "")
    bob.ok(f'CREATE "{other}H/mine"')
    expect(problems, "made by bob", "lrk" in str(bob.ok(f'MYRIGHTS "{other}H/mine"')[1]), "")
    ann.ok("RENAME H G")
    expect(problems, "renamed", bob.command(f'SELECT "{other}G/a/b"')[0] == "OK", "")
    bob.ok("UNSELECT")
    ann.ok("DELETE G/a/b")
    ann.ok("CREATE G/a/b")
    ann.ok(f"DELETEACL G/a {BOB}")
    ann.ok("DELETE G/a/b")
    ann.ok("CREATE G/a/b")
    expect(problems, "made again where bob has no right", bob.command(f'MYRIGHTS "{other}G/a/b"')[0] == "NO", "")
    for name in (f"{other}new", f"Other Users/{TEAM}/x", "Other Users/nobody@example.org/x", "Shared/nobody@example.org/x", f"Shared/{TEAM}/x"):
        got = bob.command(f'CREATE "{name}"')
        expect(problems, f"CREATE {name}", got == ("NO", "[NOPERM] You have no right to do that", []), got)
    for name in ("Other Users", "Shared"):
        got = bob.command(f'CREATE "{name}"')
        expect(problems, f"CREATE {name}", got[1].startswith("[CANNOT]"), got)
    for to in (f"{other}G/x", "Other Users/nobody@example.org/x", f"Shared/{TEAM}/x"):
        got = bob.command(f'RENAME Source "{to}"')
        expect(problems, f"RENAME to {to}", got[1].startswith("[CANNOT]"), got)
    say("inheritance and names", problems)


def at_once(lab, ann, bob):
    """A right that is taken away counts for the next command of who has the mailbox open."""
    problems = []
    ann.ok("CREATE Once")
    ann.ok("APPEND Once", MAIL)
    ann.ok(f"SETACL Once {BOB} lrswite")
    name = f'"Other Users/{ANN}/Once"'
    bob.ok(f"SELECT {name}")
    ann.ok(f"SETACL Once {BOB} -w")
    got = bob.command("STORE 1 +FLAGS (\\Flagged)")
    expect(problems, "w taken", got[1].startswith("[NOPERM]"), got)
    ann.ok(f"SETACL Once {BOB} -e")
    expect(problems, "e taken", bob.command("EXPUNGE")[1].startswith("[NOPERM]"), "")
    ann.ok(f"SETACL Once {BOB} +w")
    bob.ok("STORE 1 +FLAGS (\\Flagged)")
    ann.ok(f"DELETEACL Once {BOB}")
    other = Imap(lab.imap, BOB)
    try:
        status, rest, untagged = bob.command("FETCH 1 BODY[]")
        expect(problems, "all taken", status == "NO" and not any(b"FETCH" in u for u in untagged), (status, rest, untagged))
    except Gone:
        pass
    say("at once", problems)
    return other


def watchers(lab, ann):
    """IDLE on another's mailbox, for accounts on every loop."""
    problems = []
    users = [f"w{i}@example.org" for i in range(8)]
    people = [Imap(lab.imap, u) for u in users]
    ann.ok("CREATE Watched")
    ann.ok("SETACL Watched anyone lrs")
    for p in people:
        p.ok(f'SELECT "Other Users/{ANN}/Watched"')
        p.send(b"i IDLE\r\n")
        expect(problems, "IDLE", p.line().startswith(b"+"), "")
    ann.ok("APPEND Watched", MAIL)
    for p in people:
        expect(problems, "EXISTS", p.line() == b"* 1 EXISTS", "")
        p.line()  # RECENT
    ann.ok("SELECT Watched")
    ann.ok("STORE 1 +FLAGS (\\Flagged)")
    for p in people:
        line = p.line()
        while b"FLAGS (" in line and b"FETCH" not in line:
            line = p.line()
        expect(problems, "FETCH", b"\\Flagged" in line, line)
    ann.ok("SETACL Watched anyone \"\"")
    for p in people:
        try:
            line = p.line()
            while not line.startswith(b"* BYE"):
                line = p.line()
        except Gone:
            pass
    say("watchers", problems)


def main():
    global label
    parser = argparse.ArgumentParser()
    parser.add_argument("--label", default="acl")
    label = parser.parse_args().label + " "
    with Lab("--user", f"{ANN}:pw", "--user", f"{BOB}:pw") as lab:
        ann, bob = Imap(lab.imap, ANN), Imap(lab.imap, BOB)
        bob.ok("CREATE Source")
        for args in (("domain", "add", "example.org"), ("shared", "add", TEAM), ("acl", "set", TEAM, "INBOX", ANN, LETTERS)):
            got = lab.run(*args)
            if got.returncode and args[0] != "domain":
                say(" ".join(args), [got.stderr.decode()])
        places = [Place("other", ann, "", f"Other Users/{ANN}/"), Place("own", bob, "", ""),
                  Place("shared", ann, f"Shared/{TEAM}/", f"Shared/{TEAM}/")]
        for place in places:
            authenticated(place, bob)
            never_refused(place, bob)
            selected(place, bob)
        identifiers(ann, bob)
        inheritance(ann, bob)
        bob = at_once(lab, ann, bob)
        watchers(lab, ann)
        check = lab.run("check")
        say("mailstead check", [] if check.returncode == 0 else [(check.stdout + check.stderr).decode()])
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
