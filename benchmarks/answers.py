"""How long the main job takes: one post from its text to its draft, and the command line's start."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.row import Row, from_times, timed
from bot.context import read_contexts
from bot.domain.post import Post, Question
from bot.extract import triage
from bot.extract.reading import read
from bot.forum.archive import read_archive
from bot.library import shipped_contexts
from bot.pipeline import pipeline
from bot.samples import sample_forum
from bot.sandbox.open import open_sandbox
from bot.settings import Settings

POST = """Why does this fail? I only want the slope at each point.

```python
import torch
x = torch.linspace(0, 1, 5, requires_grad=True)
y = torch.sin(x) * 2
y.backward()
x.grad
```
"""
PROSE = "Thanks a lot, the second explanation made it clear to me. I will try it with the other data set tomorrow."
COMMAND = str(Path(sys.executable).parent / "autograd-bot")


def rows() -> Iterator[Row]:
    """The figures of the main job."""
    yield from _command_line()
    yield from _text()
    with TemporaryDirectory() as folder, open_sandbox(Settings().sandbox, data=Path(folder)) as sandbox:
        ready = pipeline(Settings(), sandbox, clock=time.perf_counter)
        question = Question(post=Post(id="1", raw=POST))
        yield timed(
            "one post with code, text to draft", lambda: ready.answer(question), runs=60, tape="on", target="≤ 150"
        )
        contexts = read_contexts(shipped_contexts())
        entries = list(read_archive(sample_forum(), chapter_of=lambda topic: contexts.chapter_of(topic.title)))
        times = []
        for entry in entries:
            if entry.question is not None:
                started = time.perf_counter()
                ready.answer(entry.question)
                times.append((time.perf_counter() - started) * 1000)
        yield from_times("a post of the sample forum, text to draft or silence", times, tape="on")
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield Row(name="memory of the bot's own process", tape="–", p50=round(used, 1), unit="MiB")


def _command_line() -> Iterator[Row]:
    for name, arguments in (("autograd-bot --help", ["--help"]), ("autograd-bot version", ["version"])):
        yield timed(
            name,
            lambda arguments=arguments: subprocess.run([COMMAND, *arguments], capture_output=True, check=True),
            runs=15,
            target="≤ 300",
        )


def _text() -> Iterator[Row]:
    question = Question(post=Post(id="1", raw=PROSE))

    def look() -> None:
        for _ in range(100):
            triage.silent_because(question, read(PROSE))

    row = timed("posts without code through triage, 100", look, runs=20)
    yield row
    yield Row(
        name="posts without code, one core", tape="–", p50=round(100_000 / row.p50), unit="posts/s", target="≥ 1500"
    )
