#!/usr/bin/env python3
"""Clients that join over a WebSocket and never read again, with the buffers of readers that are far away.

    stalled.py PORT COUNT '{"target":"/socket.io/?...","hello":"42[...]","welcome":"42[..."}'

Prints `ready` once all have joined, and holds them until standard input ends. In Python because Node sets neither
the size of a segment nor that of a buffer: with those of loopback the kernel takes some MB for each.
"""

import json
import socket
import sys


def text_frame(text):
    payload = text.encode()
    assert len(payload) < 126
    return bytes([0x81, 0x80 | len(payload), 0, 0, 0, 0]) + payload


def read_until(wire, mark, seen=b''):
    while mark not in seen:
        got = wire.recv(4096)
        if not got:
            sys.exit(f'the server ended a connection after {seen!r}')
        seen += got
    return seen[seen.index(mark) + len(mark):]


def join(port, script):
    wire = socket.socket()
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1460)
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    wire.connect(('127.0.0.1', port))
    wire.sendall(f'GET {script["target"]} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
                 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'.encode())
    left = read_until(wire, b'0{', read_until(wire, b'\r\n\r\n'))
    wire.sendall(text_frame('40'))
    if script.get('hello'):
        left = read_until(wire, b'40{', left)
        wire.sendall(text_frame(script['hello']))
    read_until(wire, script['welcome'].encode(), left)
    return wire


def main():
    port, count, script = int(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])
    wires = [join(port, script) for _ in range(count)]
    print('ready', len(wires), flush=True)
    sys.stdin.read()


main()
