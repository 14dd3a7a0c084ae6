"""One sandbox for all attacks of a process, and what is checked after each."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from bot.domain.run import Outcome, Run
from bot.errors import SandboxUnavailable
from bot.sandbox import Order, environment, jail
from bot.sandbox.client import JailedSandbox
from bot.settings import SandboxSettings
from tests.attacks.alterations import changed
from tests.attacks.attack import CPU_SECONDS, GOOD, GOOD_PRINTS, LIMITS, LONG, MEMORY_MIB, SECONDS, Attack

SETTINGS = SandboxSettings(seconds=LONG, cpu_seconds=CPU_SECONDS, memory_mib=MEMORY_MIB)


@pytest.fixture(scope="session")
def made_of() -> jail.Parts:
    """The parts of the product's jail."""
    try:
        return jail.parts(environment.find(chosen=None, data=None, uid=SETTINGS.uid))
    except SandboxUnavailable as error:
        pytest.skip(f"no sandbox on this machine: {error}")


@pytest.fixture(scope="session")
def light(made_of: jail.Parts) -> jail.Parts:
    """The same jail, whose fork server does not import what comes late: it boots in half the time."""
    return changed(made_of, "inside/server.py", "    import_what_comes_late()\n", "")


@pytest.fixture(scope="session")
def sandbox(made_of: jail.Parts) -> Iterator[JailedSandbox]:
    """The product's sandbox, with small limits."""
    with JailedSandbox(SETTINGS, made_of=made_of) as opened:
        yield opened


@pytest.fixture
def run(sandbox: JailedSandbox) -> Callable[..., Run]:
    """Run code under the attacks' limits."""

    def run(code: str, *, tape: bool = False, seed: int = 0, seconds: float = SECONDS) -> Run:
        return sandbox.run(Order(code=code, tape=tape, seed=seed, limits=replace(LIMITS, seconds=seconds)))

    return run


@pytest.fixture
def still_good(run: Callable[..., Run]) -> Iterator[None]:
    """After the test, an ordinary program gives the right answer."""
    yield
    after = run(GOOD)
    assert (after.outcome, after.stdout) == (Outcome.FINISHED, GOOD_PRINTS)


@pytest.fixture
def must_hold(sandbox: JailedSandbox, still_good: None) -> Callable[[Attack], Run]:
    """Run an attack and see that nothing surprises us."""

    def must_hold(attack: Attack) -> Run:
        ran = sandbox.run(attack.order())
        assert attack.surprises(ran) == [], f"{ran.error} {ran.stdout[-500:]} {ran.stderr[-500:]}"
        return ran

    return must_hold
