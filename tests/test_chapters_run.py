"""The programs of the course chapters run, and print what their files say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.context import Chapter, Scene, read_contexts
from bot.context.scenes import same_numbers
from bot.domain.run import Outcome
from bot.errors import SandboxUnavailable
from bot.sandbox import Order, environment, jail
from bot.sandbox.client import JailedSandbox
from bot.settings import SandboxSettings

CHAPTERS = read_contexts(Path(__file__).parent.parent / "knowledge" / "contexts").chapters
SCENES = [scene for chapter in CHAPTERS for scene in chapter.scenes]

#: Scenes that are about an error.
RAISE = {"autograd/twice": "Trying to backward through the graph a second time"}

pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[JailedSandbox]:
    settings = SandboxSettings()
    try:
        parts = jail.parts(environment.find(chosen=None, data=None, uid=settings.uid))
    except SandboxUnavailable as error:
        pytest.skip(f"no sandbox on this machine: {error}")
    with JailedSandbox(settings, made_of=parts) as opened:
        yield opened


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_the_definitions_of_a_chapter_run(chapter: Chapter, sandbox: JailedSandbox) -> None:
    run = sandbox.run(Order(code=chapter.definitions))

    assert run.outcome is Outcome.FINISHED, run.error


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_a_scene_runs_and_shows_what_its_file_says(scene: Scene, sandbox: JailedSandbox) -> None:
    run = sandbox.run(Order(code=scene.code))

    if scene.name in RAISE:
        assert run.error is not None
        assert RAISE[scene.name] in run.error.message
        return
    assert run.outcome is Outcome.FINISHED, run.error
    lines = scene.code.split("\n")
    last = {lines[echo.line - 1].strip(): echo.text for echo in run.echoes}
    for expression, value in scene.shows.items():
        assert last[expression] == value or same_numbers(last[expression], value)
