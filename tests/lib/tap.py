#!/usr/bin/env python3
"""tests/lib/tap.py HOST:PORT [--label L]: stands between real clients and the IMAP service and holds everything that they are told against the
formal syntax (tests/grammar), also behind COMPRESS. Prints its own port; at SIGTERM "ok L" or "not ok L" with what is not in the grammar.

What follows STARTTLS passes unread."""
import argparse
import os
import re
import signal
import socket
import sys
import threading
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "grammar"))
from grammar import Checker  # noqa: E402

CHUNK = 1 << 16


class Ear:
    """Hears one connection. Two threads use it: said() is of the client's, told() of the server's."""

    def __init__(self):
        self.checker, self.inflate, self.deaf = Checker(), None, False
        self.line, self.last = b"", b""  # of the client: its unfinished line, its last one
        self.layers = {}                 # tag -> COMPRESS or STARTTLS

    def said(self, data):
        if self.inflate or self.deaf:
            return
        *lines, rest = (self.line + data).split(b"\n")
        self.line = rest[-1000:]
        for line in lines:
            self.last = line[:200]
            m = re.match(rb"(\S+) (COMPRESS|STARTTLS)\b", line, re.I)
            if m:
                self.layers[m.group(1)] = m.group(2).upper()

    def told(self, data):
        if self.deaf:
            return
        checker = self.checker
        checker.add(self.inflate.decompress(data) if self.inflate else data)
        while not self.deaf and (response := checker.take()) is not None:
            checker.check(response)
            tag, _, rest = response.partition(b" ")
            if self.layers and rest[:3].upper() == b"OK " and tag in self.layers:
                self.layer(self.layers.pop(tag))

    def layer(self, name):
        if name == b"STARTTLS":
            self.deaf = True
        else:
            self.inflate = zlib.decompressobj(-15)
            self.checker.add(self.inflate.decompress(self.checker.take_rest()))


class Tap:
    def __init__(self, server):
        self.server, self.ears = server, []
        self.door = socket.create_server(("127.0.0.1", 0), backlog=64)

    def serve(self):
        while True:
            client, _ = self.door.accept()
            try:
                server = socket.create_connection(self.server)
            except OSError:
                client.close()
                continue
            for s in (client, server):
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            ear = Ear()
            self.ears.append(ear)
            for source, sink, hear in ((client, server, ear.said), (server, client, ear.told)):
                threading.Thread(target=self.pump, args=(source, sink, hear, ear), daemon=True).start()

    @staticmethod
    def pump(source, sink, hear, ear):
        try:
            while data := source.recv(CHUNK):
                try:
                    hear(data)
                except zlib.error as e:
                    ear.checker.failures.append(f"behind COMPRESS: {e}")
                    ear.deaf = True
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            for s in (source, sink):  # one end has gone: the other has to know
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def verdict(self, label):
        """Prints it; True if all was in the grammar."""
        wrong = [(ear.last, failure) for ear in self.ears for failure in ear.checker.failures]
        heard = sum(ear.checker.responses for ear in self.ears)
        packed = sum(ear.inflate is not None for ear in self.ears)
        print(f"{'not ok' if wrong or not heard else 'ok'} {label} ({heard} responses to {len(self.ears)} connections, {packed} of them compressed)")
        for last, failure in wrong[:20]:
            print(f"    {failure}\n        the client's last line: {last!r}")
        return not wrong and heard > 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("server")
    parser.add_argument("--label", default="grammar")
    args = parser.parse_args()
    host, _, port = args.server.rpartition(":")
    tap = Tap((host, int(port)))

    def end(*_):
        good = tap.verdict(args.label)
        sys.stdout.flush()
        os._exit(0 if good else 1)  # threads may be waiting

    signal.signal(signal.SIGTERM, end)
    print(tap.door.getsockname()[1], flush=True)
    tap.serve()


if __name__ == "__main__":
    main()
