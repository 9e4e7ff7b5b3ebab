"""tests/model/more.py: commands of the extensions, for the World of model.py: each returns (text, literal, check) as those there do."""
import datetime
import re

from boxes import Message, numbers_of, want
from told import set_text


def attributes(name):
    """Of a message: its Date and the local part of From. Different messages may have the same."""
    n = int(name[1:])
    day = datetime.datetime(2020, 1, 1) + datetime.timedelta(days=n * 7919 % 300)
    return day.strftime("%a, %d %b %Y 10:00:00 +0000"), "abcde"[n % 5]


def sort_key(order, message):
    date, sender = attributes(message.name)
    if order == "DATE":
        return datetime.datetime.strptime(date, "%a, %d %b %Y %H:%M:%S %z")
    return {"SIZE": message.size, "SUBJECT": message.name, "FROM": sender}[order]


class More:
    identity = None  # name of a message -> EMAILID, THREADID

    # --- identity: RFC 8474, RFC 8514 ---

    def same(self, c, got):
        self.identity = self.identity or {}
        for uid, items in got.items():
            name = c.box and c.box.names.get(uid)
            if not name:
                continue
            for kind in ("email", "thread"):
                if kind in items:
                    told = self.identity.setdefault((kind, name), items[kind])
                    want(told == items[kind], kind, "of", name, "was", told, "is", items[kind])
                    owner = self.identity.setdefault((kind, "of", told), name)
                    want(owner == name, kind, told, "is of", owner, "and of", name)
            if "saved" in items:
                told = self.identity.setdefault((c.box.id, c.box.name if not c.box.id else "", c.box.validity, uid), items["saved"])
                want(told == items["saved"], "SAVEDATE of UID", uid, "was", told, "is", items["saved"])

    # --- ESEARCH PARTIAL: RFC 9394 ---

    def part(self):
        a, b = sorted((self.rng.randint(1, 20), self.rng.randint(1, 30)))
        if self.rng.random() < 0.5:
            return (a, b), f"PARTIAL {a}:{b}"
        return (-a, -b), f"PARTIAL -{a}:-{b}"

    @staticmethod
    def found_part(part, text, numbers, untagged):
        a, b = part
        expected = numbers[a - 1:b] if a > 0 else numbers[max(len(numbers) + b, 0):max(len(numbers) + a + 1, 0)]
        line = b"".join(line for line in untagged if b"ESEARCH" in line).decode()
        got = re.search(r"PARTIAL \((\S+) (\S+)\)", line)
        want(got and got.group(1) == text.split()[1], text, "asked for:", line)
        want((numbers_of(got.group(2)) if got.group(2) != "NIL" else []) == expected, text, expected, "expected:", line)

    # --- SORT: RFC 5256 ---

    def sort(self, c, uid):
        text, says = self.key(c, not uid)
        orders = [(self.rng.random() < 0.4, order) for order in self.rng.sample(["SIZE", "SUBJECT", "FROM", "DATE"], self.rng.randint(1, 3))]
        part, part_text = self.part() if self.rng.random() < 0.3 else (None, "")

        def check(status, rest, untagged):
            want(status == "OK", status, rest)
            uids = [u for u in c.uids() if u in c.box.messages and says(u, c.box.messages[u])]
            for reverse, order in reversed(orders):
                uids.sort(key=lambda u: sort_key(order, c.box.messages[u]), reverse=reverse)
            numbers = uids if uid else [c.uids().index(u) + 1 for u in uids]
            if part:
                self.found_part(part, part_text, numbers, untagged)
            else:
                lines = [line.decode() for line in untagged if line.startswith(b"* SORT")]
                want(len(lines) == 1 and [int(n) for n in lines[0].split()[2:]] == numbers, "SORT", numbers, "expected:", lines)
            self.told(c, untagged, not uid, uid)
        order = " ".join("REVERSE " * reverse + order for reverse, order in orders)
        return f"{'UID ' * uid}SORT {f'RETURN ({part_text}) ' if part else ''}({order}) UTF-8 {text}", None, check

    # --- what puts messages: RFC 3502, RFC 4469, RFC 8508 ---

    def several(self, c, _):
        target, new = self.some_name(), [(*self.body(), self.some_flags()) for _ in range(self.rng.randint(1, 4))]

        def check(status, text, untagged):
            box = self.boxes.get(target)
            if box:
                uids = [box.add(Message(name, len(body), flags, 0)) for name, body, flags in new]
                said = re.search(r"\[APPENDUID (\d+) ([\d:,]+)\]", text)
                want(status == "OK" and said and (int(said.group(1)), numbers_of(said.group(2))) == (box.validity, uids), "APPENDUID", uids, "expected:", status, text)
            else:
                want(status == "NO" and "[TRYCREATE]" in text, status, text)
            self.told(c, untagged)
        return f"APPEND {c.path(target)}", [(f" ({' '.join(flags)})", body) for _, body, flags in new], check

    def catenate(self, c, _):
        name, body = self.body()
        target, source = self.some_name(), self.rng.choice(list(self.boxes.values()))
        known = sorted(source.messages)
        uid = self.rng.choice(known) if known and not c.owner else None
        size = len(body) + (source.messages[uid].size if uid else 0)
        end = f' URL "/{source.name}/;UID={uid}")' if uid else ")"

        def check(status, text, untagged):
            box = self.boxes.get(target)
            if box:
                given = box.add(Message(name, size, (), 0))
                want(status == "OK" and f"[APPENDUID {box.validity} {given}]" in text, "APPENDUID", given, "expected:", status, text)
            else:
                want(status == "NO" and "[TRYCREATE]" in text, status, text)
            self.told(c, untagged)
        return f"APPEND {c.path(target)} CATENATE", [(" (TEXT", body), (end, None)], check

    def replace(self, c, uid):
        target, flags, (name, body) = self.some_name(), self.some_flags(), self.body()
        n = self.rng.randint(1, (max([u or 0 for u in c.uids()] + [0]) if uid else len(c.view)) + 1)

        def check(status, text, untagged):
            uids, box = c.uids(), self.boxes.get(target)
            old = (n if n in uids else None) if uid else uids[n - 1] if n <= len(uids) else None
            if c.read_only:
                want(status == "NO", "after EXAMINE:", status, text)
            elif old is None:
                want(status == "NO" if uid else status == "BAD", "REPLACE of no message:", status, text)
            elif not box:
                want(status == "NO" and ("[TRYCREATE]" in text or old not in c.box.messages), status, text)
            elif old not in c.box.messages:
                want(status == "NO" and "[EXPUNGEISSUED]" in text, status, text)
            else:
                given = box.add(Message(name, len(body), flags, 0))
                c.box.remove([old])
                said = text + " ".join(map(repr, untagged))
                want(status == "OK" and f"[APPENDUID {box.validity} {given}]" in said, "APPENDUID", given, "expected:", status, said)
            if status != "BAD":
                self.told(c, untagged)
        return f"{'UID ' * uid}REPLACE {n} {c.path(target)} ({' '.join(flags)})", body, check

    # --- QRESYNC: RFC 7162 §3.2.6 ---

    def vanished(self, c, _):
        since, low = self.some_modseq(c.box), self.rng.randint(1, c.box.uidnext)
        high = self.rng.choice([0, self.rng.randint(low, c.box.uidnext)])

        def check(status, text, untagged):
            want(status == "OK", status, text)
            top = high or max(c.box.messages, default=low)  # "*" is the largest UID in use
            asked = range(min(low, top), max(low, top) + 1)
            lines = [line.decode() for line in untagged if b"VANISHED (EARLIER)" in line]
            named = {u for line in lines for u in numbers_of(line.split()[3])}
            must = {u for u, floor in c.box.gone.items() if floor >= since and u in asked}
            want(must <= named, "VANISHED (EARLIER) lacks", sorted(must - named), ":", lines)
            want(not named & set(c.box.messages), "VANISHED (EARLIER) of messages that are there:", sorted(named & set(c.box.messages)))
            want(all(low <= u < c.box.uidnext or u in asked for u in named), "VANISHED (EARLIER) of what was not asked for:", lines)
            expected = {u for u in asked if u in c.box.messages and c.box.newer(u, since)}
            stale = {e.uid for e in c.view if e.modseq == 0 or c.box.messages.get(e.uid) and e.modseq != c.box.messages[e.uid].modseq}
            got = self.told(c, untagged, False, True)
            want(expected <= {u for u in got if "modseq" in got[u]} <= expected | stale, "CHANGEDSINCE: expected", sorted(expected), "got", sorted(got))
        return f"UID FETCH {set_text([(low, high)])} (FLAGS) (CHANGEDSINCE {since} VANISHED)", None, check

    # --- mailboxes: RFC 5819, RFC 8474, RFC 5464, RFC 4314 ---

    def list(self, c, _):
        def check(status, text, untagged):
            want(status == "OK", status, text)
            rows = {}
            for line in untagged:
                if m := re.match(rb'\* STATUS "([^"]+)" \(MESSAGES (\d+) UIDNEXT (\d+) MAILBOXID \(([^)]+)\)\)', line):
                    rows[m.group(1).decode()] = (int(m.group(2)), int(m.group(3)), m.group(4).decode())
            for name, box in self.boxes.items():
                path = c.path(name).strip('"')
                want(path in rows, "LIST does not tell of", path, ":", sorted(rows))
                box.id = box.id or rows[path][2]
                want(rows[path] == (len(box.messages), box.uidnext, box.id), path, (len(box.messages), box.uidnext, box.id), "expected:", rows[path])
            want(len({row[2] for row in rows.values()}) == len(rows), "the same MAILBOXID twice:", rows)
            self.told(c, untagged)
        return f'LIST "" "{c.path("*").strip(chr(34))}" RETURN (STATUS (MESSAGES UIDNEXT MAILBOXID))', None, check

    def annotate(self, c, _):
        """/shared/comment of a mailbox, which goes with it."""
        name = self.rng.choice(list(self.boxes))
        value = self.rng.choice([None, "x", f"v{self.rng.randint(1, 9)}"])

        def asked(status, text, untagged):
            want(status == "OK", status, text)
            box = self.boxes[name]
            rows = [line.decode() for line in untagged if line.startswith(b"* METADATA ") and b"(" in line]
            said = rows and re.search(r'/shared/comment (?:"([^"]*)"|NIL|\{\d+\}\r\n([^)]*))\)', rows[0])
            want((said and (said.group(1) or said.group(2)) if said else None) == box.comment, "METADATA of", name, box.comment, "expected:", rows)
            self.told(c, untagged)

        def put(status, text, untagged):
            want(status == "OK", status, text)
            self.boxes[name].comment = value
            self.told(c, untagged)
        if self.rng.random() < 0.5:
            return f"GETMETADATA {c.path(name)} /shared/comment", None, asked
        return f"SETMETADATA {c.path(name)} (/shared/comment {f'{chr(34)}{value}{chr(34)}' if value else 'NIL'})", None, put

    def rights(self, c, _):
        """GETACL and MYRIGHTS say what was given."""
        name = self.rng.choice(list(self.boxes))

        def check(status, text, untagged):
            want(status == "OK", status, text)
            line = b"".join(line for line in untagged if line.startswith(b"* MYRIGHTS")).decode()
            want(set("lrswipkxtea") <= set(line.split()[-1].strip('"')), "all rights expected:", line)
            self.told(c, untagged)
        return f"MYRIGHTS {c.path(name)}", None, check
