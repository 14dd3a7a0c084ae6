"""Measures the sandbox: `python -m benchmarks sandbox`.

Every row says whether the tape was kept. Times are as the caller sees them, in milliseconds, from handing
the order over to having the parsed run. The cold row is what a run would cost without a fork server, in
the same jail.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from benchmarks.row import Row, from_times, from_values
from bot.domain.run import Limits, Outcome
from bot.sandbox import Order, environment, jail
from bot.sandbox.client import JailedSandbox
from bot.sandbox.fork_server import ForkServer
from bot.sandbox.ticket import Observed, seen, told, written
from bot.settings import SandboxSettings

SNIPPET = """
import torch
x = torch.arange(4.0, requires_grad=True).reshape(4, 1)
y = torch.mm(x.T, x)
y.sum().backward()
print(y)
"""
TRAINING = """
import torch
torch.manual_seed(0)
X = torch.rand(100, 2)
y = X @ torch.tensor([2.0, -3.4]) + 4.2
net = torch.nn.Linear(2, 1)
trainer = torch.optim.SGD(net.parameters(), lr=0.03)
loss = torch.nn.MSELoss()
for step in range(200):
    l = loss(net(X).reshape(-1), y)
    trainer.zero_grad()
    l.backward()
    trainer.step()
print(float(l) < 1)
"""
#: Long enough for the next child to lock itself in and warm up.
PAUSE_SECONDS = 0.05
LIMITS = Limits()


def rows(*, runs: int = 200) -> list[Row]:
    """Measure everything."""
    return list(_measured(runs))


def _measured(runs: int) -> Iterator[Row]:
    made_of = jail.parts(environment.find(chosen=None, data=None, uid=SandboxSettings().uid))
    yield from_times("start, files cached, attacks on itself included", _starts(runs), target="≤ 3000")
    with JailedSandbox(SandboxSettings(), made_of=made_of) as sandbox:
        hot = {}
        for tape in ("off", "on"):
            hot[tape] = from_times("hot run", _hot(sandbox, SNIPPET, runs, tape), tape=tape, target="≤ 12, p95 ≤ 20")
            yield hot[tape]
        for tape in ("off", "on"):
            yield from_times("runs one after the other", _hot(sandbox, SNIPPET, runs, tape, pause=0.0), tape=tape)
        for tape, target in (("off", 60), ("on", 150)):
            times = _hot(sandbox, TRAINING, runs, tape)
            yield from_times("200 steps of SGD", times, tape=tape, target=f"≤ {target}")
    with closing(ForkServer(made_of, uid=SandboxSettings().uid, memory_mib=LIMITS.memory_mib)) as server:
        server.wait_until_ready()
        for tape in ("off", "on"):
            yield from_times("run on demand", _on_demand(server, runs, tape), tape=tape, target="≤ 25, p95 ≤ 35")
        yield _memory(server, runs=runs)
    yield _throughput(made_of, runs=2 * runs)
    cold = from_times("cold: bwrap, python, import torch, snippet", _cold(made_of, runs), tape="off")
    yield cold
    times = round(cold.p50 / hot["off"].p50, 1)
    yield Row(name="cold, as many times hot", tape="off", unit="times", p50=times, runs=runs, target="≥ 100")


def _starts(runs: int) -> list[float]:
    def start() -> None:
        JailedSandbox(SandboxSettings()).close()

    return [_timed(start) for _ in range(runs)]


def _hot(sandbox: JailedSandbox, code: str, runs: int, tape: str, *, pause: float = PAUSE_SECONDS) -> list[float]:
    order = Order(code=code, tape=tape == "on", limits=LIMITS)

    def run() -> None:
        ran = sandbox.run(order)
        assert ran.outcome is Outcome.FINISHED, ran

    times = []
    for _ in range(runs):
        time.sleep(pause)
        times.append(_timed(run))
    return times


def _on_demand(server: ForkServer, runs: int, tape: str) -> list[float]:
    order = Order(code=SNIPPET, tape=tape == "on", limits=LIMITS)

    def run() -> None:
        with closing(server.prepare(LIMITS)) as child:
            ending = server.run(child, written(order), limits=LIMITS)
        facts = seen(ending, layers=(), memory_enforced_by="")
        ran = told(Observed(facts=facts, stdout=ending.stdout, stderr=ending.stderr, frame=ending.claim), order)
        assert ran.outcome is Outcome.FINISHED, ran

    times = []
    for _ in range(runs):
        time.sleep(PAUSE_SECONDS)
        times.append(_timed(run))
    return times


def _memory(server: ForkServer, *, runs: int) -> Row:
    """What a run holds for itself while it lasts, having run the snippet."""
    order = Order(code=SNIPPET + "import sys, time\nsys.stdout.flush()\ntime.sleep(0.3)\n", tape=False, limits=LIMITS)
    measured = []
    for _ in range(runs):
        with closing(server.prepare(LIMITS)) as child, ThreadPoolExecutor(1) as aside:
            child.wait_until_ready()
            running = aside.submit(server.run, child, written(order), limits=LIMITS)
            time.sleep(0.15)
            measured.append(_private_kib(child.pid) / 1024)
            running.result()
    return from_values("private memory of a run", measured, tape="off", unit="MiB", target="≤ 6")


def _private_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(("Private_Dirty", "Private_Hugetlb")))


def _throughput(made_of: jail.Parts, *, runs: int) -> Row:
    order = Order(code=SNIPPET, tape=False, limits=LIMITS)
    settings = SandboxSettings(workers=2, queue=runs)
    with JailedSandbox(settings, made_of=made_of) as sandbox, ThreadPoolExecutor(8) as crowd:
        list(crowd.map(sandbox.run, [order] * 20))
        started = time.perf_counter()
        list(crowd.map(sandbox.run, [order] * runs))
        rate = runs / (time.perf_counter() - started)
    return Row(name="two workers", tape="off", unit="runs/s", runs=runs, p50=round(rate, 1), target="≥ 70")


def _cold(made_of: jail.Parts, runs: int) -> list[float]:
    program = f"import sys; sys.path[:0] = ['/env/site-packages']\n{SNIPPET}"
    command = ["bwrap", *made_of.arguments, "--", "/env/bin/python3", "-S", "-P", "-s", "-c", program]
    user = SandboxSettings().uid if _is_root() else None

    def run() -> None:
        subprocess.run(command, check=True, capture_output=True, user=user, group=user, extra_groups=None, cwd="/")

    return [_timed(run) for _ in range(runs)]


def _is_root() -> bool:
    return Path("/proc/self").stat().st_uid == 0


def _timed(action: Callable[[], None]) -> float:
    started = time.perf_counter()
    action()
    return (time.perf_counter() - started) * 1000
