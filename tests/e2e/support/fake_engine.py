"""An engine that misbehaves on demand, and passes everything to a real one when it does not."""

import socket
import time

from .proxy import RecordingProxy

HALF = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n{"ApiVersion": "1.4'
NONSENSE = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n[1, {"a":'
WRONG = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 27\r\n\r\n{"ApiVersion": [1, "1.41"]}'
GARBAGE = bytes(range(255, 0, -1)) * 40


class FakeEngine(RecordingProxy):
    """mode is one of proxy, garbage, nonsense, wrong, half, close, silent, endless; a change ends all connections."""

    ANSWERS = {"garbage": GARBAGE, "nonsense": NONSENSE, "wrong": WRONG, "half": HALF}

    def __init__(self, socket_path, engine_socket, mode="proxy"):
        super().__init__(socket_path, engine_socket)
        self.mode, self.accepted = mode, []

    def become(self, mode):
        self.mode = mode
        with self.lock:
            connections = list(self.connections)
        for connection in connections:
            self.shut(connection, socket.SHUT_RDWR)

    def serve(self, client):
        self.accepted.append(time.monotonic())
        if self.mode == "proxy":
            super().serve(client)
            return
        with client:
            with self.lock:
                self.connections.add(client)
            try:
                self.misbehave(client)
            except OSError:
                pass
            with self.lock:
                self.connections.discard(client)

    def misbehave(self, client):
        mode = self.mode
        if mode == "close":
            return
        while client.recv(65536):
            if mode == "endless":
                self.answer_without_end(client)
            elif mode != "silent":
                client.sendall(self.ANSWERS[mode])
            if mode in ("half", "garbage"):
                return

    @staticmethod
    def answer_without_end(client):
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            client.sendall(b"100000\r\n" + b"[" * 0x100000 + b"\r\n")

    def rate(self, since):
        """Connections and requests a second, since a time."""
        seconds = max(time.monotonic() - since, 0.001)
        connections = sum(moment >= since for moment in self.accepted)
        return max(connections, len(self.since(since))) / seconds


def watch_memory(process, seconds):
    """The largest resident size of a process over so many seconds, in MiB."""
    largest, deadline = 0, time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(0.05)
        with open(f"/proc/{process.pid}/statm", encoding="ascii") as file:
            largest = max(largest, int(file.read().split()[1]) * 4096 // 2**20)
    return largest
