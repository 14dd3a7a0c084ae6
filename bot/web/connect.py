"""DiscourseConnect with the forum as identity provider: the request that leaves, the answer that returns.

Both are Base64 of a query string, signed with HMAC-SHA256 over the Base64 text. Nothing is done here
but computing; who may ask and how often stands in `login.py`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode

#: Longer answers than any forum sends are not looked at.
_LONGEST = 16_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """Who the forum says somebody is. E-mail addresses also arrive; they are not kept."""

    external_id: str  #: the forum's number of the account; its name may change
    username: str
    groups: frozenset[str]
    nonce: str


def request_url(forum: str, *, secret: str, nonce: str, return_url: str) -> str:
    """Where to send a browser so that the forum says who it belongs to."""
    payload = urlencode({"nonce": nonce, "return_sso_url": return_url})
    sso = base64.b64encode(payload.encode()).decode()
    return f"{forum}/session/sso_provider?" + urlencode({"sso": sso, "sig": signature(secret, sso)})


def identity(secret: str, *, sso: str, sig: str) -> Identity | None:
    """Who the forum's answer names; None when the answer is not the forum's, or names nobody."""
    if not secret or len(sso) > _LONGEST:
        return None
    # The signature is checked before a single byte of the payload is read.
    if not hmac.compare_digest(signature(secret, sso).encode(), sig.encode()):
        return None
    try:
        fields = parse_qs(base64.b64decode(sso, validate=False).decode("utf-8"), strict_parsing=True)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    first = {name: values[0] for name, values in fields.items()}
    if first.get("failed") == "true" or not (first.get("external_id") and first.get("username") and first.get("nonce")):
        return None
    return Identity(
        external_id=first["external_id"],
        username=first["username"],
        groups=frozenset(group for group in first.get("groups", "").split(",") if group),
        nonce=first["nonce"],
    )


def signature(secret: str, sso: str) -> str:
    """The code that goes with a payload."""
    return hmac.new(secret.encode(), sso.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
