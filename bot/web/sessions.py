"""Who is signed in: a signed cookie, for at most twelve hours, keyed by the forum's number of the account."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum

from bot.settings import WebSettings
from bot.store import marks
from bot.store.engine import Connection
from bot.web.seal import Seal

_PURPOSE = "session"


class Role(IntEnum):
    """What somebody may do; each may do what those before it may."""

    NOBODY = 0
    READER = 1  #: sees, changes and runs nothing
    REVIEWER = 2  #: decides about drafts and runs their code
    ADMIN = 3  #: also looks after errors that wait for a person


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """One sign-in."""

    id: str
    external_id: str
    name: str
    role: Role
    since: datetime
    until: datetime


def role_of(groups: frozenset[str], settings: WebSettings) -> Role:
    """The highest role that one of these forum groups gives."""
    if groups & set(settings.admin_groups):
        return Role.ADMIN
    if groups & set(settings.reviewer_groups):
        return Role.REVIEWER
    if groups & set(settings.reader_groups):
        return Role.READER
    return Role.NOBODY


def begin(*, session_id: str, external_id: str, name: str, role: Role, now: datetime, settings: WebSettings) -> Session:
    """A session that begins now."""
    until = now + timedelta(hours=settings.session_hours)
    return Session(id=session_id, external_id=external_id, name=name, role=role, since=now, until=until)


def to_cookie(session: Session, seal: Seal) -> str:
    """The session as the browser keeps it."""
    return seal.sealed(
        _PURPOSE,
        {
            "id": session.id,
            "external_id": session.external_id,
            "name": session.name,
            "role": session.role.name,
            "since": session.since.timestamp(),
            "until": session.until.timestamp(),
        },
    )


def from_cookie(text: str, seal: Seal, *, now: datetime) -> Session | None:
    """The session that a cookie holds; None when it was not made here, or is over."""
    value = seal.opened(_PURPOSE, text)
    if value is None:
        return None
    session = Session(
        id=value["id"],
        external_id=value["external_id"],
        name=value["name"],
        role=Role[value["role"]],
        since=datetime.fromtimestamp(value["since"], UTC),
        until=datetime.fromtimestamp(value["until"], UTC),
    )
    return session if session.since <= now + timedelta(minutes=1) and now < session.until else None


def sign_out(connection: Connection, session: Session, *, now: datetime) -> None:
    """End every session of this account, on all its devices."""
    marks.keep(connection, f"signed out {session.external_id}", session.name, now=now)


def was_ended(connection: Connection, session: Session) -> bool:
    """Whether its account has signed out since it began."""
    ended = marks.kept_at(connection, f"signed out {session.external_id}")
    return ended is not None and session.since <= ended


def form_token(session: Session, seal: Seal) -> str:
    """What every form of this session carries, and no other page can know."""
    return seal.stamp("form", session.id)


def same(given: str, wanted: str) -> bool:
    """Whether a token is the wanted one, compared in constant time."""
    return bool(wanted) and hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())
