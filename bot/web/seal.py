"""Sealing small texts so that a browser can keep them and not change them."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from itsdangerous import BadData, URLSafeSerializer

from bot.errors import StoreError

_BYTES = 32


@dataclass(frozen=True, slots=True)
class Seal:
    """Signs with one secret; what was sealed for one purpose opens for no other."""

    secret: bytes = field(repr=False)

    def sealed(self, purpose: str, value: Mapping[str, Any]) -> str:
        """The value as text for a cookie."""
        text: str = self._serializer(purpose).dumps(dict(value))
        return text

    def opened(self, purpose: str, text: str) -> dict[str, Any] | None:
        """The value, or None when the text was not sealed here for this purpose."""
        try:
            value = self._serializer(purpose).loads(text)
        except (BadData, RecursionError):
            return None
        return value if isinstance(value, dict) else None

    def stamp(self, purpose: str, text: str) -> str:
        """A code that only the holder of the secret can make for this text."""
        return hmac.new(self.secret, f"{purpose}:{text}".encode(), hashlib.sha256).hexdigest()

    def _serializer(self, purpose: str) -> URLSafeSerializer:
        return URLSafeSerializer(self.secret, salt=purpose, signer_kwargs={"digest_method": hashlib.sha256})


def kept_secret(file: Path) -> bytes:
    """The secret in this file, made when there is none. Deleting the file signs everybody out.

    Raises `StoreError` when it can be neither read nor made.
    """
    try:
        if not file.exists():
            fresh = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(fresh, "wb") as made:
                made.write(secrets.token_bytes(_BYTES))
        secret = file.read_bytes()
    except FileExistsError:
        return kept_secret(file)
    except OSError as error:
        raise StoreError(
            f"{file} cannot be used: {error.strerror}. It keeps the secret that signs sessions."
        ) from error
    if len(secret) < _BYTES:
        raise StoreError(
            f"{file} is too short to be a secret. Delete it; a new one is made, and everybody signs in again."
        )
    return secret
