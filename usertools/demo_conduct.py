#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
"""Conducts the demonstration: one connection from the peer's kernel to the
engine's echo service, moved to the engine and back while both directions are
full, told live and summed up at the end. chimney-demo and the smoke tests
prepare the network and the engine, and call it.

Exit status: 0 all as it should be, 1 not.
"""
import argparse
import json
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time


def now_us():
    """The clock that chimney-peer stamps its lines with."""
    return time.monotonic_ns() // 1000


STALL_S = 20

# What a sender does about segments it takes for lost. A tail loss probe is not of these: two round
# trips without an answer make one, and on a busy machine the answer is late without any move.
REPAIRS = ('TcpExtTCPFastRetrans', 'TcpExtTCPSlowStartRetrans', 'TcpExtTCPTimeouts')


class Trouble(Exception):
    """What went wrong, for a person."""


class Control:
    """The engine's control socket: a JSON object a line, each way."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(10)
        self.socket.connect(path)
        self.lines = self.socket.makefile('r')

    def ask(self, cmd, **more):
        """The answer to a command."""
        self.socket.sendall(json.dumps({'cmd': cmd, **more}).encode() + b'\n')
        line = self.lines.readline()
        if not line:
            raise Trouble('the engine closed its control socket')
        answer = json.loads(line)
        if not answer['ok']:
            raise Trouble(f'{cmd}: {answer["error"]}')
        return answer

    def show(self, ident):
        """Everything about a connection."""
        return self.ask('show', id=ident)['connection']


class Peer(threading.Thread):
    """The client in the peer's namespace; last is its newest line."""

    def __init__(self, enter, program, address, port, options):
        super().__init__(daemon=True)
        self.gaps = tempfile.NamedTemporaryFile(mode='r', prefix='chimney-gaps-')
        self.process = subprocess.Popen(
            [*enter, program, 'connect', address, str(port), '--json', '--progress', '20',
             '--until-usr1', '--gaps', self.gaps.name, *options],
            stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        self.last, self.final = {'sent': 0, 'received': 0, 'retrans': 0}, None
        self.moved = time.monotonic()
        self.start()

    def run(self):
        for line in self.process.stdout:
            said = json.loads(line)
            if said.get('final'):
                self.final = said
            else:
                if said['received'] > self.last['received'] or said['all_back']:
                    self.moved = time.monotonic()
                self.last = said

    def check(self):
        """Raise when it has ended, or nothing comes any more."""
        if time.monotonic() - self.moved > STALL_S:
            raise Trouble(f'nothing came for {STALL_S} s')
        if self.final or self.process.poll() is not None:
            self.join(2)
            said = json.dumps(self.final) if self.final else f'status {self.process.returncode}'
            raise Trouble(f'the peer ended: {said}')

    def usr1(self):
        """First: stop sending; second: close."""
        self.process.send_signal(signal.SIGUSR1)

    def silences(self):
        """(begin, length) of each pause in what it received, in microseconds."""
        self.gaps.seek(0)
        return [tuple(map(int, line.split())) for line in self.gaps if line.count(' ') == 1]


class Screen:
    """Lines that stay, and one at the bottom that does not."""

    def __init__(self, quiet):
        self.live = sys.stdout.isatty() and not quiet
        self.quiet = quiet

    def say(self, text=''):
        """A line that stays."""
        print(('\r\x1b[K' if self.live else '') + text, flush=True)

    def now(self, text):
        """What is going on, where somebody looks."""
        if self.live:
            print('\r\x1b[K' + text[:110], end='', flush=True)


class Run:
    """One demonstration."""

    def __init__(self, opt):
        self.opt = opt
        self.screen = Screen(opt.quiet)
        self.random = random.Random(opt.seed)
        self.control = Control(opt.control)
        self.enter = opt.enter.split()
        self.before = self.counters()
        self.peer = Peer(self.enter, opt.peer, opt.address, opt.port,
                         ['--cc', opt.cc, '--mbytes', str(opt.mbytes),
                          '--ahead', str(opt.ahead)])
        self.moves = []
        self.spent = {'kernel': [0, 0, 0], 'engine': [0, 0, 0]}  # us, bytes in, bytes out
        self.refusals = []
        self.ident = self.kernel_only = self.sums = self.service = self.after = None

    def counters(self):
        """Counters of the peer's kernel, and the frames its interfaces could not send."""
        names = ('TcpRetransSegs', 'TcpOutRsts', 'TcpEstabResets', 'TcpExtTCPLossProbes', *REPAIRS)
        out = subprocess.run([*self.enter, 'nstat', '-asz', *names], capture_output=True,
                             text=True, check=True).stdout
        links = subprocess.run([*self.enter, 'ip', '-j', '-s', 'link'], capture_output=True,
                               text=True, check=True).stdout
        return {n: int(re.search(rf'^{n}\s+(\d+)', out, re.M).group(1)) for n in names} | {
            'WireLost': sum(link['stats64']['tx']['dropped'] for link in json.loads(links))}

    def find(self):
        """The peer's connection at the engine, once it is there."""
        for _ in range(200):
            self.peer.check()
            for conn in self.control.ask('list')['connections']:
                if conn['local'].endswith(f':{self.opt.port}'):
                    return conn['id']
            time.sleep(0.05)
        raise Trouble('the connection did not come up')

    def stay(self, seconds):
        """Let it run where it is, and count what it does there."""
        begin, start = now_us(), self.control.show(self.ident)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.peer.check()
            self.tell(start['home'])
            time.sleep(min(0.2, max(0.0, until - time.monotonic())))
        end = self.control.show(self.ident)
        if start['home'] in self.spent and end['home'] == start['home']:
            spent = self.spent[start['home']]
            spent[0] += now_us() - begin
            spent[1] += end['bytes_in'] - start['bytes_in']
            spent[2] += end['bytes_out'] - start['bytes_out']

    def tell(self, home):
        """The live line."""
        last = self.peer.last
        self.screen.now(f'   in the {home}: sent {last["sent"] / 1e6:.0f} MB, received '
                        f'{last["received"] / 1e6:.0f} MB, {len(self.moves)} moves, '
                        f'{last["retrans"]} retransmitted')

    def settled(self):
        """The connection, once it is in a home: a move may be under way that nobody here
        asked for, because the engine did."""
        for _ in range(5000):
            self.peer.check()
            conn = self.control.show(self.ident)
            if conn['home'] in self.spent:
                return conn
            time.sleep(0.001)
        raise Trouble(f'the connection stays {conn["home"]}')

    def move(self):
        """One move, told when it has arrived."""
        before = self.settled()
        cmd = 'offload' if before['home'] == 'kernel' else 'upload'
        begin = now_us()
        self.control.ask(cmd, id=self.ident)
        while True:
            self.peer.check()
            conn = self.control.show(self.ident)
            if conn['moves'] > before['moves'] and conn['home'] in self.spent:
                break
            newest = conn['history'][-1] if conn['history'] else {'what': ''}
            if newest['what'] == 'refused' and newest['ago_us'] < now_us() - begin:
                self.refusals.append(newest['why'])
                if not self.opt.quiet:
                    self.screen.say(f'        refused: {newest["why"]}')
                return
            if now_us() - begin > 10_000_000:
                raise Trouble(f'{cmd} did not end; the connection is {conn["home"]}')
            time.sleep(0.0005)
        done = {**conn['last_move'], 'home': conn['home'], 'begin': begin, 'end': now_us()}
        self.moves.append(done)
        if not self.opt.quiet:
            self.screen.say(
                f'  {len(self.moves):4}  to the {done["home"]:6}  '
                f'pause {done["pause_us"] / 1000:7.2f} ms   with it: '
                f'{done["send_unacked"]:8} bytes unacknowledged, {done["send_unsent"]:8} unsent '
                f'({done["send_chains"]} chains), {done["recv_unread"]:8} unread, '
                f'{done["kept_frames"]} frames held')

    def conduct(self):
        """The whole of it."""
        opt, say = self.opt, self.screen.say
        self.ident = self.find()
        say(f'The connection runs in the kernel; {opt.settle:g} s of that to compare with.')
        self.stay(opt.settle)
        self.kernel_only = self.counters()
        say(f'{opt.moves} moves while both directions are full:')
        while len(self.moves) < opt.moves:
            if len(self.refusals) > opt.moves:
                raise Trouble('refused too often')
            self.move()
            if len(self.moves) == 1:
                self.stay(opt.settle)
            self.stay(self.random.uniform(opt.dwell / 2, opt.dwell * 1.5) / 1000)
        self.finish()

    def finish(self):
        """The peer stops sending; when all is back, both ends tell their sums."""
        while self.peer.last['sent'] < self.opt.mbytes * 1e6:
            self.stay(0.2)
        self.peer.usr1()
        until = time.monotonic() + 60
        while not self.peer.last.get('all_back'):
            self.peer.check()
            if time.monotonic() > until:
                raise Trouble('not everything came back')
            time.sleep(0.02)
        self.sums = self.peer.last
        self.service = self.control.show(self.ident)
        self.peer.usr1()
        self.peer.join(20)
        if not self.peer.final or not self.peer.final['ok']:
            raise Trouble('the end: ' + (self.peer.final or {}).get('error', 'did not come'))
        self.after = self.counters()

    def explain(self):
        """What the engine knows of the connection, after a failure."""
        try:
            print(json.dumps(self.control.show(self.ident)), flush=True)
            print(subprocess.run([*self.enter, 'ss', '-tino'], capture_output=True, text=True,
                                 check=False).stdout, flush=True)
        except (Trouble, OSError) as why:
            print(f'the engine does not tell: {why}', flush=True)

    def stop(self):
        """Whatever happened, no process stays."""
        if self.peer.process.poll() is None:
            self.peer.process.kill()
        self.peer.process.wait()


def at_share(values, share):
    """The value below which that share lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0


def pause_line(values):
    """Median, 99th percentile and longest of microseconds."""
    return (f'median {at_share(values, .5) / 1000:.2f} ms, '
            f'99th percentile {at_share(values, .99) / 1000:.2f} ms, '
            f'longest {max(values, default=0) / 1000:.2f} ms')


def seen_by_peer(run):
    """The longest silence at the peer that overlaps each move."""
    silences = run.peer.silences()
    return [max((length for begin, length in silences
                 if begin < move['end'] and begin + length > move['begin']), default=0)
            for move in run.moves]


def carried(moves, names, unit):
    """Sum, median and most of what the moves of one direction took along."""
    values = [sum(m[n] for n in names) for m in moves]
    return f'{sum(values)} {unit} in all, median {at_share(values, .5)}, most {max(values, default=0)}'


def speed(spent):
    """Both ways, of one home."""
    micros, came, went = spent
    if micros == 0:
        return 'no time there'
    return (f'{came * 8 / micros:.0f} Mbit/s to the host, {went * 8 / micros:.0f} Mbit/s back, '
            f'over {micros / 1e6:.1f} s')


def report(run):
    """The summary, and what does not fit: a list of sentences."""
    away = [m for m in run.moves if m['home'] == 'engine']
    back = [m for m in run.moves if m['home'] == 'kernel']
    sums, service, wrong = run.sums, run.service, []
    here = (int(sums['hash_sent'], 16), int(sums['hash_received'], 16))
    there = (int(service['hash_in'], 16), int(service['hash_out'], 16))
    counts = (sums['sent'], sums['received'], service['bytes_in'], service['bytes_out'])
    if len(set(counts)) != 1:
        wrong.append('the byte counts differ')
    if here != there or here[0] != here[1]:
        wrong.append('the checksums differ')
    resets = sum(run.after[n] - run.before[n] for n in ('TcpOutRsts', 'TcpEstabResets'))
    if resets:
        wrong.append('there were resets')
    stages = (run.before, run.kernel_only, run.after)
    retrans = [c['TcpRetransSegs'] for c in stages]
    repairs = [sum(c[n] for n in REPAIRS) for c in stages]
    probes = [c['TcpExtTCPLossProbes'] for c in stages]
    wire_lost = run.after['WireLost'] - run.before['WireLost']
    rows = [
        ('moves', f'{len(away)} to the engine, {len(back)} back'),
        ('  refused', f'{len(run.refusals)} '
                      + ('(' + '; '.join(sorted(set(run.refusals))) + ')' if run.refusals else '')),
        ('pause of a move', pause_line([m['pause_us'] for m in run.moves])),
        ('  seen by the peer', pause_line(seen_by_peer(run))),
        ('bytes', f'{sums["sent"]} to the host, {sums["received"]} back; each compared'),
        ('checksums, peer', f'sent {here[0]:08x}, received {here[1]:08x}'),
        ('  service', f'received {there[0]:08x}, sent {there[1]:08x}'),
        ('retransmissions', f'{retrans[1] - retrans[0]} before the first move, '
                            f'{retrans[2] - retrans[1]} since (peer\'s kernel)'),
        ('  for loss', f'{repairs[1] - repairs[0]} before, {repairs[2] - repairs[1]} since; '
                       f'the wire lost {wire_lost} frames'),
        ('  probes sent', f'{probes[1] - probes[0]} before, {probes[2] - probes[1]} since '
                          '(an answer was late: other programs had the CPU)'),
        ('resets', f'{resets}'),
        ('speed in the kernel', speed(run.spent['kernel'])),
        ('speed in the engine', speed(run.spent['engine'])),
        ('taken to the engine', ''),
        ('  to send', carried(away, ('send_unacked', 'send_unsent'), 'bytes')),
        ('  unread', carried(away, ('recv_unread',), 'bytes')),
        ('returned to the kernel', ''),
        ('  to send', carried(back, ('send_unacked', 'send_unsent'), 'bytes')),
        ('  as mbuf chains', carried(back, ('send_chains',), 'chains')),
        ('  unread', carried(back, ('recv_unread',), 'bytes')),
    ]
    run.screen.say()
    for name, text in rows:
        run.screen.say(f'{name:22}  {text}')
    run.screen.say()
    run.screen.say('Nothing lost, nothing doubled, no reset.' if not wrong
                   else 'NOT as it should be: ' + '; '.join(wrong))
    if run.opt.json:
        print(json.dumps({'moves': run.moves, 'refusals': run.refusals, 'retrans': retrans,
                          'repairs': repairs, 'probes': probes, 'wire_lost': wire_lost,
                          'resets': resets, 'spent': run.spent, 'wrong': wrong,
                          'bytes': sums['sent']}))
    return wrong


def options():
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    p.add_argument('--control', required=True, help="the engine's control socket")
    p.add_argument('--peer', required=True, help='the program chimney-peer')
    p.add_argument('--enter', default='', help='command that enters the peer\'s namespace')
    p.add_argument('--address', required=True)
    p.add_argument('--port', type=int, required=True, help='of an echo service')
    p.add_argument('--moves', type=int, default=100)
    p.add_argument('--mbytes', type=int, default=400, help='at least so many each way')
    p.add_argument('--ahead', type=int, default=4000,
                   help='kilobytes the peer sends before it has them back')
    p.add_argument('--dwell', type=float, default=100, help='milliseconds between moves, about')
    p.add_argument('--settle', type=float, default=2, help='seconds in each home to compare')
    p.add_argument('--cc', default='cubic', help="the peer's congestion control")
    p.add_argument('--seed', type=int, default=1, help='of the instants of the moves')
    p.add_argument('--quiet', action='store_true', help='only the report')
    p.add_argument('--json', action='store_true', help='the figures too, as a last line')
    return p.parse_args()


def main():
    """Run it, and never leave the peer behind."""
    run = None
    try:
        run = Run(options())
        run.conduct()
        return 1 if report(run) else 0
    except (Trouble, OSError) as why:
        print(f'\nFAILED after {len(run.moves) if run else 0} moves: {why}', flush=True)
        if run:
            run.explain()
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        if run:
            run.stop()


if __name__ == '__main__':
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
