"""A TCP port in front of a unix socket, as an operator may put one there: relay.py PORT SOCKET [ADDRESS]."""

import socket
import sys
import threading


def pump(source, sink):
    while chunk := source.recv(65536):
        sink.sendall(chunk)
    sink.shutdown(socket.SHUT_WR)


def serve(client, path):
    with client, socket.socket(socket.AF_UNIX) as server:
        server.connect(path)
        back = threading.Thread(target=pump, args=(server, client), daemon=True)
        back.start()
        try:
            while chunk := client.recv(65536):
                server.sendall(chunk)
            back.join(1)  # davit takes one that has closed its sending side for gone
        except OSError:
            pass


def main():
    address = sys.argv[3] if len(sys.argv) > 3 else "127.0.0.1"
    with socket.create_server((address, int(sys.argv[1]))) as listener:
        while True:
            client, _ = listener.accept()
            threading.Thread(target=serve, args=(client, sys.argv[2]), daemon=True).start()


if __name__ == "__main__":
    main()
