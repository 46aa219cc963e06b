"""A unix socket between davit and an engine that records what passes."""

import re
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Request:
    """One request as it was sent; path has the query and, where the client gave one, the /v1.x prefix."""

    time: float
    method: str
    path: str

    @property
    def plain_path(self):
        """The path without version and query."""
        return re.sub(r"^/v\d+\.\d+(?=/)", "", self.path.partition("?")[0])

    @property
    def writes(self):
        return self.method not in ("GET", "HEAD")


class RequestReader:
    """Finds the requests in what a client sends, fed in any pieces. It never holds anything back."""

    def __init__(self, found):
        self.found, self.buffer, self.skip, self.state = found, b"", 0, "head"

    def feed(self, data):
        self.buffer += data
        while self.buffer and getattr(self, f"read_{self.state}")():
            pass

    def read_head(self):
        head, end, rest = self.buffer.partition(b"\r\n\r\n")
        if not end:
            return False
        self.buffer = rest
        first, _, fields = head.decode("latin-1").partition("\r\n")
        method, path, _ = first.split(" ", 2)
        self.found(Request(time.monotonic(), method, path))
        length = re.search(r"^content-length:\s*(\d+)", fields, re.I | re.M)
        if re.search(r"^upgrade:", fields, re.I | re.M):
            self.state = "raw"
        elif re.search(r"^transfer-encoding:.*chunked", fields, re.I | re.M):
            self.state = "chunk"
        elif length and int(length.group(1)):
            self.skip, self.state = int(length.group(1)), "body"
        return True

    def read_body(self):
        taken = min(self.skip, len(self.buffer))
        self.buffer, self.skip = self.buffer[taken:], self.skip - taken
        if self.skip == 0:
            self.state = "head"
        return True

    def read_chunk(self):
        size, end, rest = self.buffer.partition(b"\r\n")
        if not end:
            return False
        length = int(size.split(b";")[0], 16)
        if length == 0:
            return self.read_trailer()
        self.buffer, self.skip, self.state = rest, length + 2, "chunk_data"
        return True

    def read_chunk_data(self):
        self.read_body()
        if self.state == "head":
            self.state = "chunk"
        return True

    def read_trailer(self):
        # "0\r\n", fields perhaps, and an empty line.
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        self.buffer, self.state = self.buffer[end + 4:], "head"
        return True

    def read_raw(self):
        self.buffer = b""
        return False


class RecordingProxy:
    """Passes bytes both ways unchanged, streams and hijacked connections too, and records method and path.

    close() makes the engine unreachable as a crash would: the socket is gone and connections end; open() undoes it.
    """

    def __init__(self, socket_path, engine_socket):
        self.path, self.engine_socket = Path(socket_path), str(engine_socket)
        self.requests, self.connections, self.lock = [], set(), threading.Lock()
        self.listener = None

    def __enter__(self):
        self.open()
        return self

    def __exit__(self, *_):
        self.close()

    def open(self):
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(str(self.path))
        self.listener.listen(128)
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def close(self):
        listener, self.listener = self.listener, None
        if not listener:
            return
        self.path.unlink(missing_ok=True)
        # shutdown wakes the thread that waits in accept; close alone does not.
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        with self.lock:
            connections = list(self.connections)
        for connection in connections:
            self.shut(connection, socket.SHUT_RDWR)

    def accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        engine = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with client, engine:
            try:
                engine.connect(self.engine_socket)
            except OSError:
                return
            with self.lock:
                self.connections |= {client, engine}
            back = threading.Thread(target=self.pump, args=(engine, client, None), daemon=True)
            back.start()
            self.pump(client, engine, RequestReader(self.record))
            back.join()
            with self.lock:
                self.connections -= {client, engine}

    def pump(self, source, target, reader):
        """Copies until the source ends, then tells the target so; a stream may go on the other way."""
        try:
            while data := source.recv(65536):
                if reader:
                    reader.feed(data)
                target.sendall(data)
        except OSError:
            self.shut(source, socket.SHUT_RDWR)
        # What the client no longer sends does not end its answer; an engine that ends, ends both.
        self.shut(target, socket.SHUT_WR if reader else socket.SHUT_RDWR)

    @staticmethod
    def shut(connection, how):
        try:
            connection.shutdown(how)
        except OSError:
            pass

    def record(self, request):
        with self.lock:
            self.requests.append(request)

    def since(self, moment=0.0):
        """The requests since a time (time.monotonic)."""
        with self.lock:
            return [request for request in self.requests if request.time >= moment]

    def writes(self, moment=0.0):
        return [request for request in self.since(moment) if request.writes]
