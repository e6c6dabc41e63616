# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Chimney Authors
"""TRex, stateless: data for the connections of config/flow-set.cfg.

One stream for each connection, each segment right behind the one before it, so
that the engine receives, delivers and acknowledges without a handshake:

    start -f receive.py -p 0 -m 10kpps

TRex sends without looking at what comes back, so connections that answer with
data (echo) want somebody who acknowledges: the service here is discard.
devtools/flow_pcap writes the same segments into a file, from the same numbers.
"""

FLOWS = {
    'service_mac': '02:00:00:00:00:01',
    'generator_mac': '02:00:00:00:00:02',
    'generator': '48.0.0.1',     # remote of the flow set
    'service': '16.0.0.1',       # local
    'generator_port': 1025,      # the first, one more for each connection
    'service_port': 7001,
    'connections': 64,
    'sequence': 1000,            # peer-seq of the flow set: the next of the generator's
    'acknowledges': 1,           # seq of the flow set: the next of ours
    'payload': 512,
    'window': 65535,
}


class Receive:
    """The streams, one for each connection."""

    def get_streams(self, direction=0, **kwargs):
        """Called by TRex."""
        return [self.stream(FLOWS, n) for n in range(FLOWS['connections'])]

    def stream(self, flows, n):
        """Connection n: its sequence number goes on by the payload."""
        from trex_stl_lib.api import (CTRexVmInsFixHwCs, Ether, IP, STLPktBuilder, STLScVmRaw,
                                      STLStream, STLTXCont, STLVmFixChecksumHw, STLVmFlowVar,
                                      STLVmWrFlowVar, TCP)
        base = (Ether(src=flows['generator_mac'], dst=flows['service_mac'])
                / IP(src=flows['generator'], dst=flows['service'])
                / TCP(sport=flows['generator_port'] + n, dport=flows['service_port'], flags='A',
                      seq=flows['sequence'], ack=flows['acknowledges'], window=flows['window']))
        steps = (2 ** 32 - 1 - flows['sequence']) // flows['payload']
        change = STLScVmRaw([
            STLVmFlowVar(name='seq', min_value=flows['sequence'],
                         max_value=flows['sequence'] + steps * flows['payload'],
                         size=4, op='inc', step=flows['payload']),
            STLVmWrFlowVar(fv_name='seq', pkt_offset='TCP.seq'),
            STLVmFixChecksumHw(l3_offset='IP', l4_offset='TCP',
                               l4_type=CTRexVmInsFixHwCs.L4_TYPE_TCP)])
        packet = STLPktBuilder(pkt=base / ('x' * flows['payload']), vm=change)
        return STLStream(packet=packet, isg=float(n), mode=STLTXCont(pps=100))


def register():
    """Called by TRex."""
    return Receive()
