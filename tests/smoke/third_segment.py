#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
"""A client of an echo service with as little TCP as a load generator has, on a
packet socket: SYN without options, then the first request on the third segment.
Each connection sends three requests, compares the answers, and closes.
usage: third_segment.py INTERFACE MAC PEER-MAC ADDRESS PEER PORT CONNECTIONS"""
import socket
import struct
import sys
import time

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
WAIT_S = 5


def internet_sum(data):
    """RFC 1071, complemented."""
    if len(data) % 2:
        data += b'\0'
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Connection:
    """One of them, from its SYN on."""

    def __init__(self, wire, ends, port):
        self.wire, self.port = wire, port
        self.macs, self.here, self.peer, self.peer_port = ends
        self.seq, self.ack = 0xFFFFFFF0 + port % 8, 0  # wraps soon

    def send(self, flags, data=b''):
        """One segment."""
        tcp = struct.pack('!HHIIBBHHH', self.port, self.peer_port, self.seq, self.ack, 5 << 4,
                          flags, 65535, 0, 0)
        pseudo = self.here + self.peer + struct.pack('!HH', 6, len(tcp) + len(data))
        tcp = tcp[:16] + struct.pack('!H', internet_sum(pseudo + tcp + data)) + tcp[18:]
        ip = struct.pack('!BBHHHBBH', 0x45, 0, 40 + len(data), 0, 0, 64, 6, 0)
        ip += self.here + self.peer
        ip = ip[:10] + struct.pack('!H', internet_sum(ip)) + ip[12:]
        self.wire.send(self.macs + b'\x08\x00' + ip + tcp + data)
        self.seq = (self.seq + len(data) + bool(flags & (SYN | FIN))) % 2 ** 32

    def receive(self):
        """The next segment: flags, sequence number, data."""
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            try:
                frame = self.wire.recv(65536)
            except TimeoutError:
                continue
            if frame[12:14] != b'\x08\x00' or frame[23] != 6 or frame[26:30] != self.peer:
                continue
            to, seq, _, offset, flags = struct.unpack_from('!HIIBB', frame, 36)
            length = struct.unpack_from('!H', frame, 16)[0]
            if frame[30:34] == self.here and to == self.port:
                return flags, seq, frame[34 + (offset >> 4) * 4:14 + length]
        sys.exit(f'port {self.port}: no answer')

    def open(self, request):
        """SYN; what answers it; and the request with the ACK of that."""
        self.send(SYN)
        flags, seq, _ = self.receive()
        if flags != SYN | ACK:
            sys.exit(f'port {self.port}: flags {flags:#x} answer a SYN')
        self.ack = (seq + 1) % 2 ** 32
        self.send(ACK | PSH, request)

    def expect(self, answer):
        """All of it, in order; acknowledged."""
        while answer:
            flags, seq, data = self.receive()
            if flags & (RST | FIN | SYN):
                sys.exit(f'port {self.port}: flags {flags:#x} in the middle')
            old = (self.ack - seq) % 2 ** 32
            if not data or old >= len(data):
                continue  # an ACK, or a repetition
            data = data[old:]
            if not answer.startswith(data):
                sys.exit(f'port {self.port}: not what was sent')
            answer = answer[len(data):]
            self.ack = (self.ack + len(data)) % 2 ** 32
        self.send(ACK)

    def close(self):
        """FIN both ways."""
        self.send(FIN | ACK)
        while True:
            flags, seq, data = self.receive()
            if flags & FIN:
                self.ack = (seq + len(data) + 1) % 2 ** 32
                self.send(ACK)
                return


def main():
    """Command line."""
    interface, mac, peer_mac, here, peer, port, number = sys.argv[1:]
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
    wire.bind((interface, 0x0800))
    wire.settimeout(0.5)
    ends = (bytes.fromhex((peer_mac + mac).replace(':', '')), socket.inet_aton(here),
            socket.inet_aton(peer), int(port))
    for n in range(int(number)):
        connection = Connection(wire, ends, 20000 + n)
        requests = [f'{n} {i} '.encode() * 20 for i in range(3)]
        connection.open(requests[0])
        connection.expect(requests[0])
        for request in requests[1:]:
            connection.send(ACK | PSH, request)
            connection.expect(request)
        connection.close()


if __name__ == '__main__':
    main()
