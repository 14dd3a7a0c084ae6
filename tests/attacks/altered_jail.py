"""A jail of altered parts, to see what gets through."""

from __future__ import annotations

import array
import json
import socket

from bot.domain.run import Limits, Run
from bot.sandbox import Order, fork_server, jail
from bot.sandbox.child import Child
from bot.sandbox.fork_server import ForkServer
from bot.sandbox.ticket import Observed, seen, told, written
from tests.attacks.attack import LIMITS, MEMORY_MIB


class Jail:
    """A fork server of altered parts; runs orders without a queue and without attacks at its start."""

    uid = 60990

    def __init__(self, made_of: jail.Parts) -> None:
        self.made_of = made_of
        self._server = ForkServer(made_of, uid=self.uid, memory_mib=MEMORY_MIB)
        self._server.wait_until_ready()

    @property
    def server(self) -> int:
        """The outermost process of the jail."""
        return self._server.pid

    def run(self, code: str, *, limits: Limits = LIMITS) -> Run:
        order = Order(code=code, tape=False, limits=limits)
        child = self.child_for(order)
        try:
            ending = self._server.run(child, written(order), limits=limits)
        finally:
            child.close()
        facts = seen(ending, layers=(), memory_enforced_by="")
        return told(Observed(facts=facts, stdout=ending.stdout, stderr=ending.stderr, frame=ending.claim), order)

    def child_for(self, order: Order) -> Child:
        return self._server.prepare(order.limits)

    def close(self) -> None:
        self._server.close()


class TellingJail(Jail):
    """A driver that tells the fork server what will be run."""

    def child_for(self, order: Order) -> Child:
        child = Child(order.limits)
        request = json.dumps({**fork_server._request(order.limits, ahead=False), "code": order.code})
        files = array.array("i", child.theirs)
        self._server._jail.control.sendmsg([request.encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, files)])
        child.handed_over()
        return child
