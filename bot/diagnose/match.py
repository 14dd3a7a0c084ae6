"""Holds every entry against a run, and ranks those that fit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from bot.diagnose import beside, signals, wording
from bot.diagnose.reported import got_further, same_error
from bot.diagnose.told import Phrasebook
from bot.diagnose.view import Found, View
from bot.domain.confusion import Confusion, ConfusionKind
from bot.domain.diagnosis import Diagnosis, Evidence
from bot.domain.post import Language
from bot.domain.run import Run
from bot.domain.snippet import Reading

#: Confidence of a mistake that the run shows, before the quoted error is compared.
SHOWN = 0.93
#: Confidence of a mistake at which the run fails, while the asker saw it run on: in another release of torch, most likely.
UNSEEN = 0.4
#: Confidence of an entry whose message a post quotes, and how well words must fit to count beside a quoted message.
QUOTED = 0.8
HINTED = 0.45
#: Confidence of a mistake that the signs of code show which cannot be run.
CODED = 0.7
#: How well a post's words must ask about an entry when they are all there is, and how much better than about others.
TOLD = 0.75
MARGIN = 0.04
#: How well they must ask about another entry than the one whose message the post quotes, and how much better.
OUTRIGHT = 0.75
LEAD = 0.25
#: How well a post's words must fit an entry to be about what somebody else's program shows.
ABOUT = 0.35

#: What each line that a run fulfils is worth beside the fit of the words, where two entries may be what a post asks.
CONDITION = 0.15


#: Messages that tell of an end and of no cause: what an asker says beside them is all there is.
_NO_CAUSE = re.compile(r"\bout of memory\b", re.IGNORECASE)


@dataclass(frozen=True)
class Match:
    """One entry that fits, with what shows it."""

    entry: Confusion
    found: tuple[Found, ...]
    asked: float
    confidence: float


class Matcher:
    """The entries of a library, ready to be held against runs and posts."""

    def __init__(self, entries: Iterable[Confusion]) -> None:
        self.entries = tuple(entries)
        self._told = Phrasebook(self.entries)
        self._wordings = wording.Wordings((entry.name, text) for entry in self.entries for text in wordings_of(entry))

    def entry(self, name: str) -> Confusion:
        """The entry of this name, which is one of those that were found."""
        return next(entry for entry in self.entries if entry.name == name)

    def fit(self, entry: Confusion, text: str) -> float:
        """How well a text asks what the entry answers, from 0 to 1; 0 when it asks what the entry excludes."""
        return self._told.fit(entry, text)

    def by_run(
        self, code: str, run: Run, reading: Reading, *, title: str = "", asking: bool = True, own: bool = True
    ) -> Diagnosis | None:
        """The entry that a run shows, or None. Nothing is guessed from text alone here.

        `asking` says whether the post asks anything; `own` whether the program is the asker's. A mistake in
        somebody else's program counts only when the post's words are about it.
        """
        if run.outcome not in signals.READABLE:
            return None
        matches = []
        text = _said(title, reading)
        notes: dict[str, Any] = {}
        for entry in self.entries:
            asked = self.fit(entry, text) if asking else 0.0
            view = View(code, run, reading, entry, asked, notes)
            found = signals.holds(view, entry.seen) if entry.seen else None
            if found and (own or asked >= ABOUT or same_error(reading.error, run)):
                matches.append(Match(entry, found, asked, _confidence(entry, code, run, reading, asked)))
        if not matches:
            return None
        matches.sort(key=lambda match: (run.error is not None and not _explains(match), *_rank(match)))
        return _diagnosis(matches, run, reading)

    def mistakes(self, code: str, run: Run, reading: Reading) -> frozenset[str]:
        """The names of all mistakes that a run shows."""
        if run.outcome not in signals.READABLE:
            return frozenset()
        mistakes = (entry for entry in self.entries if entry.kind is ConfusionKind.MISTAKE and entry.seen)
        notes: dict[str, Any] = {}
        views = (View(code, run, reading, entry, notes=notes) for entry in mistakes)
        return frozenset(view.confusion.name for view in views if signals.holds(view, view.confusion.seen) is not None)

    def alone(self, entry: Confusion, code: str, run: Run) -> Diagnosis | None:
        """What a run shows of one entry when the post is taken to ask it: for the entry's own examples."""
        nothing = Reading(language=Language.ENGLISH)
        found = signals.holds(View(code, run, nothing, entry, asked=1.0), entry.seen)
        return _diagnosis([Match(entry, found, 1.0, 1.0)], run, nothing) if found else None

    def by_text(self, reading: Reading, *, asks: Callable[[str], bool], title: str = "") -> Diagnosis | None:
        """The entry whose message a post quotes, else the one that its words ask about, or that code which cannot be run
        shows by itself; nothing was run.

        `asks` says whether a sentence asks or complains. A message that no entry knows leaves nothing to the words: the
        post is about that message, unless it only says that memory ran out. One that is quoted by the way gives way to
        what the asker asks outright.
        """
        text = _said(title, reading)
        matches = self._by_message(reading, title, text)
        if matches or reading.error is None or _NO_CAUSE.search(reading.error.message):
            said = self._by_words(reading, title, asks)
            if not matches or _outright(said, matches):
                matches = said
        matches = matches or self._by_code(reading, text)
        if not matches:
            return None
        # One message may stand in several entries: the words choose among them, else the general one answers.
        matches.sort(key=lambda match: (-match.confidence, not match.entry.general, -match.asked, match.entry.name))
        best = matches[0]
        return Diagnosis(
            confusion=best.entry.name,
            evidence=_evidence(best),
            confidence=best.confidence,
            ran=False,
            also=tuple(match.entry.name for match in matches[1:4]),
        )

    def _by_message(self, reading: Reading, title: str, text: str) -> list[Match]:
        """The entries whose message the post quotes, surer where its words, or the signs beside it, speak for one alone.

        An entry that has signs, none of which is there, gives way to those that have none to show.
        """
        around = beside.Surroundings.of(title, reading)
        quoted = [
            (entry, found, self.fit(entry, text))
            for entry, found in self._quoted(reading, title)
            if around.allow(entry)
        ]
        pointed_at = {entry.name for entry, _, _ in quoted if around.speak_for(entry)}
        matches: list[Match] = []
        without: list[Match] = []
        for entry, found, asked in quoted:
            sure = asked if asked >= HINTED else HINTED if pointed_at == {entry.name} else 0.0
            lacks = entry.beside and asked < HINTED and entry.name not in pointed_at
            (without if lacks else matches).append(Match(entry, (found,), asked, QUOTED + 0.15 * sure))
        return matches or without

    def _quoted(self, reading: Reading, title: str) -> list[tuple[Confusion, Found]]:
        """The entries whose message stands in the post; those that hold it letter by letter before those that nearly do."""
        error = reading.error.message.strip() if reading.error is not None else ""
        texts = [text for text in (error, title, *reading.prose.splitlines()) if text.strip()]
        near = self._wordings.in_lines(texts)
        if error and not _NO_CAUSE.search(error) and near and not self._wordings.in_lines([error]):
            return []  # the post is about that message; another is quoted by the way
        return [
            (entry, Found(word="quoted", text=f"the post quotes: {near[entry.name].strip().splitlines()[0][:160]}"))
            for entry in self.entries
            if entry.name in near
        ]

    def _by_code(self, reading: Reading, text: str) -> list[Match]:
        """The entry whose signs stand in the code of a post that complains of training in vain; none when those of several
        do, or an error is quoted."""
        if not beside.tells_of_vain_training(text):
            return []
        held = {entry.name: signs for entry in self.entries if (signs := beside.in_code(entry, reading))}
        warned = reading.error is not None and (reading.error.type or "").endswith("Warning")
        if len(held) != 1 or not (reading.error is None or warned):
            return []
        name, signs = next(iter(held.items()))
        found = Found(text=f"the code holds: {', '.join(signs)}", word="code")
        return [Match(self.entry(name), (found,), 0.0, CODED)]

    def _by_words(self, reading: Reading, title: str, asks: Callable[[str], bool]) -> list[Match]:
        """The entries that the words alone ask about; none when those of two families do so alike."""
        ranking = self._told.ranking(title, reading.prose, asks=asks)
        if not ranking or ranking[0].fit < TOLD:
            return []
        best = ranking[0]
        if best.entry.run_only:
            return []
        near = [told for told in ranking if told.fit > best.fit - MARGIN]
        if any(told.entry.family != best.entry.family for told in near):
            return []
        return [
            Match(
                told.entry,
                (Found(text=f"the post asks this: {', '.join(sorted(told.words))}", word="asks"),),
                told.fit,
                0.5 + 0.4 * told.fit,
            )
            for told in near
            if not told.entry.run_only
        ]


def _outright(said: list[Match], quoted: list[Match]) -> bool:
    """Whether the words ask about an entry so well that a quoted message of another family is beside the point."""
    if not said or said[0].entry.family in {match.entry.family for match in quoted}:
        return False
    return said[0].asked >= max(OUTRIGHT, LEAD + max(match.asked for match in quoted))


def _said(title: str, reading: Reading) -> str:
    """What the asker says in own words: torch's words, quoted in a sentence or in part in the title, are not the asker's."""
    if reading.error is None:
        return f"{title}\n{reading.prose}"
    message = reading.error.message
    return f"{wording.without_part_of(message, title)}\n{reading.prose.replace(message, ' ')}"


def _explains(match: Match) -> bool:
    """Whether an entry says something of the error with which a run ends, and not only of what came before."""
    return any(found.word in ("raises", "message") for found in match.found)


def _rank(match: Match) -> tuple[int, float, float, str]:
    """Mistakes come first, the one that asks more of the run before others; then questions, by words and run together."""
    conditions = _conditions(match.entry.seen)
    if match.entry.kind is ConfusionKind.MISTAKE:
        return 0, -conditions, -match.asked, match.entry.name
    return 1, -(match.asked + CONDITION * conditions), -match.asked, match.entry.name


def _conditions(seen: object) -> int:
    """How much a `[seen]` table asks for; of alternatives, the one that asks most."""
    match seen:
        case dict():
            return sum(
                max((_conditions(part) for part in value), default=0) if name == "any" else max(1, _conditions(value))
                for name, value in seen.items()
            )
        case _:
            return 0


def _confidence(entry: Confusion, code: str, run: Run, reading: Reading, asked: float) -> float:
    if entry.kind is ConfusionKind.QUESTION:
        return min(0.97, 0.6 + 0.4 * asked)
    match same_error(reading.error, run):
        case True:
            return 0.98
        case False:
            return 0.82
        case _:
            return UNSEEN if got_further(code, run, reading) else SHOWN


def wordings_of(entry: Confusion) -> list[str]:
    """All messages and warnings that an entry lists."""
    return _wordings(entry.seen)


def _wordings(seen: object) -> list[str]:
    """All messages and warnings that a `[seen]` table names, in `any` as well."""
    if isinstance(seen, list):
        return [text for part in seen for text in _wordings(part)]
    if not isinstance(seen, dict):
        return []
    found: list[str] = []
    for name, value in seen.items():
        if name in ("message", "warns", "quoted"):
            found.extend(signals.listed(value))
        elif name == "any":
            found.extend(_wordings(value))
    return found


def _evidence(match: Match) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(word=found.word, text=found.text, line=found.line, event=found.event) for found in match.found
    )


def _diagnosis(matches: list[Match], run: Run, reading: Reading) -> Diagnosis:
    best = matches[0]
    names: dict[str, str] = {}
    serials: dict[str, int] = {}
    error_line = cause_line = None
    for found in best.found:
        names |= found.names
        serials |= found.serials
        error_line = error_line or found.error_line
        cause_line = cause_line or found.cause_line
    return Diagnosis(
        confusion=best.entry.name,
        evidence=_evidence(best),
        confidence=best.confidence,
        ran=True,
        error_line=error_line or (run.error.line if run.error else None),
        cause_line=cause_line,
        names=names,
        serials=serials,
        same_error=same_error(reading.error, run),
        also=tuple(match.entry.name for match in matches[1:4]),
    )
