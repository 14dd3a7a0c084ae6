"""The moderators' page over a small database and a large one: server time of a request, requests a second."""

from __future__ import annotations

import asyncio
import http.client
import json
import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.row import Row, from_times
from bot.library import read_library
from bot.settings import Settings, WebSettings
from bot.store.engine import database_file
from bot.store.opening import open_store
from bot.store.search import terms_of
from bot.web import sessions
from bot.web.app import make_app
from bot.web.seal import Seal
from bot.web.server import start
from bot.web.sessions import Role
from bot.web.site import Site

#: Posts and drafts of the two databases.
SIZES = ((1_000, 500), (1_000_000, 100_000))
RUNS = 200
#: One draft in so many carries a record of the size that the pipeline makes; these are the ones looked at.
WHOLE_EVERY = 50

_TITLES = (
    "backward() of a vector", "x.grad is None after reshape", "梯度为什么是 None", "second derivative of a loss",
    "RuntimeError in the training loop", "gradient of an intermediate result", "反向传播两次就报错", "loss does not go down",
)  # fmt: skip
#: No two drafts show the same code: nothing is coloured once for all.
_CODE = "import torch\n" + "".join(f"x{n} = torch.arange({n}.0, requires_grad=True) * NUMBER\n" for n in range(2, 13))
_WHY = "It sums the rows. " * 40
_REPLY = f'The gradient is taken of `y`.\n\n```python\n{_CODE}```\n\n[details="Why"]\n\n{_WHY}\n\n[/details]\n'
_STATES = ("pending", "posted", "rejected", "dropped", "posted")
NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


def rows() -> list[Row]:
    """Each page over each database, and how many a second one core serves."""
    measured = []
    for posts, drafts in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            page = _page(Path(folder), posts=posts, drafts=drafts)
            measured += list(_times(page, posts=posts))
            measured.append(_requests_a_second(page, posts=posts))
            page.site.store.close()
    return measured


@dataclass(frozen=True)
class _Measured:
    site: Site
    cookie: str
    whole: tuple[int, ...]  #: waiting drafts with a record of full size


def _page(folder: Path, *, posts: int, drafts: int) -> _Measured:
    open_store(folder).close()
    whole = tuple(_fill(database_file(folder), posts=posts, drafts=drafts))
    settings = Settings(web=WebSettings(port=0))
    site = Site(
        store=open_store(folder), settings=settings, library=read_library(), seal=Seal(b"s" * 32), clock=lambda: NOW
    )
    session = sessions.begin(
        session_id="s", external_id="1", name="mei", role=Role.REVIEWER, now=NOW, settings=settings.web
    )
    return _Measured(site, sessions.to_cookie(session, site.seal), whole)


def _times(page: _Measured, *, posts: int) -> Iterator[Row]:
    """Server time of the pages, from the request's arrival in the application to its last byte."""
    app = make_app(page.site)
    choose = random.Random(1)
    pages: dict[str, Callable[[], tuple[str, str]]] = {
        "queue": lambda: ("/", ""),
        "queue, filtered": lambda: ("/", choose.choice(("order=surest", "language=zh", "confusion=non_leaf_grad"))),
        "queue, three filters": lambda: ("/", "language=zh&confusion=non_leaf_grad&confidence=80"),
        "queue, searched": lambda: ("/", "q=" + choose.choice(("vector", "asker77", "loss+down", "none+reshape"))),
        "draft": lambda: (f"/drafts/{choose.choice(page.whole)}", ""),
        "history": lambda: (f"/drafts/{choose.choice(page.whole)}/history", ""),
    }
    for name, place in pages.items():
        taken = asyncio.run(_asked(app, page, place))
        yield from_times(f"page: {name}, {posts:,} posts", taken, target="≤ 30" if name in ("queue", "draft") else "")


async def _asked(app: Any, page: _Measured, place: Callable[[], tuple[str, str]]) -> list[float]:
    taken = []
    for number in range(RUNS + 10):
        path, query = place()
        started = time.perf_counter()
        status = await _ask(app, page, path, query)
        if number >= 10:  # the first ones read templates
            taken.append((time.perf_counter() - started) * 1000)
        assert status == 200, (path, query, status)
    return taken


async def _ask(app: Any, page: _Measured, path: str, query: str) -> int:
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    host = next(iter(page.site.hosts))
    headers = [(b"host", host.encode()), (b"cookie", f"session={page.cookie}".encode())]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "", "headers": headers,
        "client": ("127.0.0.1", 50000), "server": ("127.0.0.1", 8642), "extensions": {},
    }  # fmt: skip
    await app(scope, receive, send)
    return statuses[0]


def _requests_a_second(page: _Measured, *, posts: int) -> Row:
    """Over real HTTP, one after the other; the asking shares the core with the answering."""
    count = 200
    with start(page.site) as server, closing(http.client.HTTPConnection("127.0.0.1", server.site.port)) as connection:
        started = time.perf_counter()
        for number in range(count):
            path = "/" if number % 2 else f"/drafts/{page.whole[number % len(page.whole)]}"
            connection.request("GET", path, headers={"cookie": f"session={page.cookie}"})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200
        seconds = time.perf_counter() - started
    name = f"page: queue and draft in turn over HTTP, {posts:,} posts"
    return Row(name=name, tape="–", unit="requests/s", p50=round(count / seconds, 1), runs=count, target="≥ 40")


def _fill(file: Path, *, posts: int, drafts: int) -> list[int]:
    """Rows as the program writes them, put straight into the database."""
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA synchronous = OFF")
        database.executemany(
            "INSERT INTO posts (id, topic_id, number, author, category_id, sha256, state, seen_at, failures)"
            " VALUES (?, ?, ?, ?, 3, ?, 'answered', ?, 0)",
            ((str(n), str(n // 50), n % 50 + 1, f"asker{n % 5000}", f"{n:064x}", _moment(n)) for n in range(posts)),
        )
        numbers = range(1, drafts + 1)
        database.executemany(
            "INSERT INTO answers (id, post_id, question_sha256, verdict, reason, language, confusion, confidence,"
            " seconds, code_sha256, made_at, question, record) VALUES (?, ?, ?, 'draft', 'r', ?, ?, ?, 0.1, NULL, ?, ?, ?)",
            (
                (n, str(n), f"{n:064x}", _language(n), _confusion(n), _confidence(n), _moment(n), _reply(n),
                 _record(n))
                for n in numbers
            ),
        )  # fmt: skip
        database.executemany(
            "INSERT INTO drafts (id, post_id, topic_id, post_number, category_id, topic_title, asker, state, language,"
            " confusion, confidence, revision, proved, question_sha256, answer_id, created_at, changed_at, check_at)"
            " VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, 1, 1, ?, ?, ?, ?, ?)",
            (
                (n, str(n), str(n // 50), n % 7, _TITLES[n % len(_TITLES)], f"asker{n % 5000}", _state(n), _language(n),
                 _confusion(n), _confidence(n), f"{n:064x}", n, _moment(n), _moment(n), _moment(n))
                for n in numbers
            ),
        )  # fmt: skip
        database.executemany(
            "INSERT INTO revisions (draft_id, number, by, at, reply) VALUES (?, 1, 'bot', ?, ?)",
            ((n, _moment(n), _reply(n)) for n in numbers),
        )
        database.executemany(
            "INSERT INTO terms (draft_id, term) VALUES (?, ?)",
            (
                (n, term)
                for n in numbers
                for term in terms_of(f"{_TITLES[n % len(_TITLES)]} asker{n % 5000} {_confusion(n)}")
            ),
        )
        database.commit()
    return [number for number in range(1, drafts + 1) if number % WHOLE_EVERY == 0]


def _moment(number: int) -> str:
    return f"{NOW - timedelta(seconds=number * 7):%Y-%m-%d %H:%M:%S}.000000"


def _state(number: int) -> str:
    return _STATES[number // 10 % len(_STATES)]  # so that those with a whole record all wait


def _language(number: int) -> str:
    return "zh" if number % 3 == 0 else "en"


def _confusion(number: int) -> str:
    return ("non_leaf_grad", "non_scalar_backward", "intermediate_grad", "graph_freed_same_output")[number % 4]


def _confidence(number: int) -> float:
    return 0.5 + number % 50 / 100


def _reply(number: int) -> str:
    return _REPLY.replace("NUMBER", str(number))


def _record(number: int) -> str:
    """The evidence of a draft: with a tape of twenty calls, or as little as an old one has."""
    record: dict[str, Any] = {"reason": "the run shows it", "also": [], "confidence": 0.9}
    if number % WHOLE_EVERY:
        return json.dumps(record)
    program = _CODE.replace("NUMBER", str(number))
    state = {"serial": 1, "shape": [4], "dtype": "float32", "leaf": True, "requires_grad": True, "grad_fn": None,
             "version": 0, "grad": "none", "names": ["x"], "digest": "25601b8b"}  # fmt: skip
    events = [
        {"index": n, "line": n // 2 + 2, "op": "torch.arange", "inputs": [state], "outputs": [{**state, "serial": n + 2}],
         "grad_enabled": True, "inplace": False, "error": None, "times": 1, "backward": None, "note": None}
        for n in range(20)
    ]  # fmt: skip
    run = {"outcome": "finished", "error": None, "warnings": [], "stdout": "", "seconds": 0.02,
           "echoes": [{"line": n, "text": "tensor([0., 2., 4., 6.])"} for n in range(2, 13)]}  # fmt: skip
    seen = {"tape": {"events": events, "finals": [], "cut": False, "trusted": True}, "torch_version": "2.13.0",
            "facts": {"layers": ["bwrap", "seccomp"]}, "prints": []}  # fmt: skip
    check = {"state": "yes", "why": "each gradient equals a numeric derivative", "numbers": {"gradient": [2.17, -0.54]}}
    record |= {
        "snippet": {"code": program, "assumptions": []},
        "before": run,
        "after": run,
        "repair": {"fix": "sum", "code": program.replace("x5", "x55"), "diff": ""},
        "proof": dict.fromkeys(("error_gone", "confusion_gone", "values_kept", "gradient", "minimal"), check),
        "evidence": {"before": seen, "after": seen, "diagnosis": {"evidence": [], "ran": True}, "thread": []},
    }
    return json.dumps(record)
