"""The file of an entry as it is written; `Confusion` is the same thing checked."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from bot.domain.confusion import ConfusionKind, Place
from bot.domain.post import Language


class FixTable(BaseModel):
    """One `[[fix]]`."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    name: str
    where: Place = Place.WHOLE_PROGRAM
    replace: str | None = None
    with_: str | None = Field(None, alias="with")
    insert_after: str | None = None
    insert_before: str | None = None
    append: str | None = None
    rewrite: str | None = None
    keeps: str | None = None
    changes: tuple[str, ...] = ()
    cuts: tuple[str, ...] = ()
    when: dict[str, Any] = {}


class EntryFile(BaseModel):
    """A whole `confusion.toml`."""

    model_config = ConfigDict(extra="forbid")

    title: dict[Language, str]
    family: str
    kind: ConfusionKind
    link: str
    trial: bool = False
    general: bool = False
    run_only: bool = False
    wrong_gradient: bool = False
    beside: tuple[str, ...] = ()
    only_beside: tuple[str, ...] = ()
    not_beside: tuple[str, ...] = ()
    in_code: tuple[tuple[str, ...], ...] = ()
    not_in_code: tuple[str, ...] = ()
    asked_as: dict[Language, tuple[str, ...]] = {}
    not_this: tuple[str, ...] = ()
    seen: dict[str, Any] = {}
    fix: tuple[FixTable, ...] = ()
    facts: dict[str, str] = {}
