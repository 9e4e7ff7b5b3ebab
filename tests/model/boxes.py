"""tests/model/boxes.py: what the mailboxes hold, as far as anyone can know without asking: all but the value of MODSEQs, which grow."""


class Broken(Exception):
    """The server said what the model says it may not."""


def want(condition, *why):
    if not condition:
        raise Broken(" ".join(str(w) for w in why))


def numbers_of(text):
    """1,3:5 as [1, 3, 4, 5]"""
    out = []
    for piece in filter(None, text.split(",")):
        first, _, last = piece.partition(":")
        out += range(int(first), int(last or first) + 1)
    return out


class Message:
    def __init__(self, name, size, flags, floor):
        self.name, self.size, self.flags = name, size, frozenset(flags)
        self.modseq, self.floor = None, floor  # unknown until it is seen, but above floor


class Box:
    """A mailbox as it is. top: no MODSEQ above it was seen; known: the last HIGHESTMODSEQ, from which dirty says it has moved."""

    def __init__(self, name, validity):
        self.name, self.validity, self.uidnext = name, validity, 1
        self.messages, self.names = {}, {}  # names: of every UID there ever was
        self.gone = {}                      # UID that was expunged -> what top was then
        self.id = self.comment = None
        self.top = self.known = 0
        self.dirty = True

    def add(self, message):
        uid, self.uidnext = self.uidnext, self.uidnext + 1
        self.messages[uid] = Message(message.name, message.size, message.flags, self.top)
        self.names[uid] = message.name
        self.dirty = True
        return uid

    def change(self, uid, flags):
        m = self.messages[uid]
        if m.flags != flags:
            m.flags, m.modseq, m.floor, self.dirty = frozenset(flags), None, self.top, True

    def remove(self, uids):
        for uid in uids:
            del self.messages[uid]
            self.gone[uid] = self.top
            self.dirty = True

    def saw(self, uid, modseq):
        m = self.messages[uid]
        if m.modseq is None:
            want(modseq > m.floor, self.name, "UID", uid, "was changed when", m.floor, "had been seen, its MODSEQ is", modseq)
            m.modseq = modseq
        want(m.modseq == modseq, self.name, "UID", uid, "has MODSEQ", modseq, "and had", m.modseq, "without a change")
        self.top = max(self.top, modseq)

    def saw_highest(self, modseq):
        want(modseq >= self.top, self.name, "HIGHESTMODSEQ", modseq, "is below", self.top)
        want(modseq > self.known if self.dirty else modseq == self.known, self.name, "HIGHESTMODSEQ", modseq, "after", self.known,
             "changed" if self.dirty else "unchanged")
        self.top = self.known = modseq
        self.dirty = False

    def newer(self, uid, modseq):
        m = self.messages[uid]
        return (m.floor >= modseq) if m.modseq is None else m.modseq > modseq

    def counters(self):
        ms = self.messages.values()
        return {"MESSAGES": len(ms), "UIDNEXT": self.uidnext, "UIDVALIDITY": self.validity, "UNSEEN": sum("\\Seen" not in m.flags for m in ms),
                "DELETED": sum("\\Deleted" in m.flags for m in ms), "SIZE": sum(m.size for m in ms)}
