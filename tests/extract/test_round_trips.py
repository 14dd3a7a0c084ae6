"""Code that is damaged in each way posts damage it comes back with the same syntax tree."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.snippet import AssumptionKind, Reading
from bot.extract import read
from tests.extract import programs
from tests.extract.programs import FENCES, FULL_WIDTH, OUTPUTS, curly, flat_programs, numbered, prompted, words


def recovered(reading: Reading) -> str:
    return "\n".join(block.text for block in reading.blocks)


def same(code: str, other: str) -> bool:
    return ast.dump(ast.parse(code)) == ast.dump(ast.parse(other))


@pytest.mark.parametrize("fence", FENCES)
@given(program=programs.programs(), before=words(), after=words())
def test_code_in_any_fence_or_none_comes_back(fence: str, program: list[str], before: str, after: str) -> None:
    code = "\n".join(program)

    reading = read(f"{before}\n{FENCES[fence](code)}\n{after}")

    assert same(recovered(reading), code)
    assert reading.prose.replace("\n", "") == f"{before}{after}".replace("\n", "")


@given(program=programs.programs(), before=words())
def test_curly_quotes_come_back_straight(program: list[str], before: str) -> None:
    code = "\n".join(program)

    reading = read(f"{before}\n{curly(code)}")

    assert same(recovered(reading), code)
    assert ("“" in curly(code) or "‘" in curly(code)) == any(
        note.kind is AssumptionKind.RESTORED_CHARACTER for block in reading.blocks for note in block.assumptions
    )


@given(program=programs.programs(), before=words())
def test_full_width_punctuation_comes_back_half_width(program: list[str], before: str) -> None:
    code = "\n".join(program)
    damaged = "\n".join(line if "'" in line or '"' in line else line.translate(FULL_WIDTH) for line in program)

    assert same(recovered(read(f"{before}\n{damaged}")), code)


@given(program=programs.nested_programs(), before=words(), after=words())
def test_lost_indentation_comes_back(program: list[str], before: str, after: str) -> None:
    code = "\n".join(program)
    flat = "\n".join(line.strip() for line in program)

    reading = read(f"{before}\n{flat}\n{after}")

    assert same(recovered(reading), code)
    assert any(
        note.kind is AssumptionKind.RESTORED_INDENTATION for block in reading.blocks for note in block.assumptions
    )


@given(program=programs.programs(), before=words(), fenced=st.booleans())
def test_prompts_and_line_numbers_go(program: list[str], before: str, fenced: bool) -> None:
    code = "\n".join(program)
    for damaged in (prompted(program), numbered(program)):
        post = f"{before}\n```\n{damaged}\n```" if fenced else f"{before}\n{damaged}"

        assert same(recovered(read(post)), code)


@given(
    program=flat_programs(), shown=st.lists(st.sampled_from(OUTPUTS), min_size=3, max_size=3), fenced=st.booleans(),
    before=words(),
)  # fmt: skip
def test_outputs_between_statements_are_not_code(
    program: list[str], shown: list[str], fenced: bool, before: str
) -> None:
    outputs = iter(shown)
    mixed: list[str] = []
    expected: list[tuple[str, str]] = []
    for line in program:
        mixed.append(line)
        if line.endswith(".grad"):
            output = next(outputs, "tensor([1., 1.])")
            mixed.append(output)
            expected.append((line, output))
    damaged = "\n".join(mixed)

    reading = read(f"{before}\n```\n{damaged}\n```" if fenced else f"{before}\n{damaged}")

    assert same(recovered(reading), "\n".join(program))
    assert [(output.after, output.text) for output in reading.outputs] == expected


@given(program=flat_programs(), before=words())
def test_non_breaking_spaces_and_zero_width_signs_go(program: list[str], before: str) -> None:
    code = "\n".join(program)
    damaged = code.replace(" ", "\u00a0").replace("=", "=\u200b")

    assert same(recovered(read(f"{before}\n{damaged}")), code)


@given(program=programs.programs(), before=words())
def test_every_line_of_a_block_knows_its_line_in_the_post(program: list[str], before: str) -> None:
    post = f"{before}\n\n" + "\n".join(program)
    lines = post.split("\n")

    for block in read(post).blocks:
        assert [lines[number - 1].strip() for number in block.lines] == [
            line.strip() for line in block.text.split("\n")
        ]
