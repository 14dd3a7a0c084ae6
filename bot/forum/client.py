"""pydiscourse with its traps closed: every request it makes goes through `Client._request`.

What pydiscourse would do by itself, and what happens here instead:

- it sleeps in the calling thread as long as a 429 says, be it hours. Here a 429 is caught in a response
  hook of requests, before pydiscourse sees it; waiting is capped, counted and done by the caller's `wait`;
- it lets errors of requests and odd responses out as they come (KeyError for a missing content type).
  Here each becomes a `ForumError`;
- it never asks twice. Here reads are repeated after server errors, a few times; writes never are, because
  the forum may have done what it did not answer: that is `OutcomeUnknown`;
- it logs whole responses, private posts among them, at DEBUG. Its log is kept above that.
"""

from __future__ import annotations

import logging
import math
import ssl
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import requests
import structlog
from pydiscourse import DiscourseClient
from pydiscourse.exceptions import DiscourseClientError, DiscourseError, DiscourseServerError
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError

from bot.errors import ForumError, ForumNotFound, ForumRefused, ForumUnavailable, OutcomeUnknown
from bot.forum import uploads
from bot.forum.limits import Clock, Pause, TokenBucket

log = structlog.get_logger()

#: How often one request is sent, and the seconds before each further time.
ATTEMPTS = 3
BACK_OFF = (2.0, 8.0)

#: What a 429 without a number counts as: such come from a proxy, and hammering it makes the block longer.
UNSTATED_WAIT = 30.0

_JSON = "application/json; charset=utf-8"  # the one spelling that pydiscourse accepts
_LONGEST_WORDS = 300
_CHUNK = 16 * 1024


class _Limited(Exception):
    """The forum answered 429."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"limited for {seconds} seconds")
        self.seconds = seconds


class _Broken(Exception):
    """No answer, or none that says what was done. `sent` is False when the request surely never left."""

    def __init__(self, words: str, *, sent: bool) -> None:
        super().__init__(words)
        self.sent = sent


class Client(DiscourseClient):  # type: ignore[misc]  # pydiscourse has no types
    """pydiscourse's client for one API key. Its methods raise `ForumError`s and nothing else."""

    def __init__(
        self,
        host: str,
        username: str,
        key: str,
        *,
        timeout: float,
        bucket: TokenBucket,
        pause: Pause,
        wait: Callable[[float], None],
        longest_wait: float,
    ) -> None:
        super().__init__(host, api_username=username, api_key=key, timeout=timeout)
        self._bucket = bucket
        self._pause = pause
        self._wait = wait
        self._longest_wait = longest_wait
        logging.getLogger("pydiscourse.client").setLevel(logging.WARNING)

    def _request(self, verb: str, path: str, **options: Any) -> Mapping[str, Any]:
        """Send one request as politely as the forum wants it. Called by every method of pydiscourse."""
        options["override_request_kwargs"] = {"hooks": {"response": _inspect}}
        patience = self._longest_wait
        for attempt in range(ATTEMPTS):
            patience -= self._wait_for_turn(patience)
            try:
                return self._send(verb, path, options)
            except _Limited as limit:
                # The forum says that it did nothing, so even a write may be sent again.
                log.warning("forum_limits_us", path=path, seconds=limit.seconds)
                self._pause.ask(limit.seconds)
            except _Broken as broken:
                _raise_unless_repeatable(verb, path, broken, last=attempt == ATTEMPTS - 1)
                log.warning("forum_read_repeated", path=path, why=str(broken))
                self._wait(BACK_OFF[attempt])
        left = self._pause.left()
        raise ForumUnavailable(f"the forum limits us ({path}); it wants to be left alone.", retry_after=left)

    def download(self, path: str, *, most: int, clock: Clock) -> tuple[bytes, str]:
        """The bytes of an upload below the forum's address, and the content type they came with.

        A redirect is followed only to another upload of the same forum. Raises `ForumRefused` for another
        target or more than `most` bytes, `ForumNotFound`, and `ForumUnavailable` when it takes too long.
        """
        for _ in range(uploads.MOST_REDIRECTS + 1):
            self._wait_for_turn(self._longest_wait)
            try:
                with self._asked_for(path) as response:
                    if not 300 <= response.status_code < 400:
                        return self._body(response, path, most=most, clock=clock)
                    target = response.headers.get("Location", "")
            except requests.exceptions.InvalidHeader:
                raise ForumRefused("forum.read_key holds characters that no key has.") from None
            except (requests.RequestException, HTTPError) as error:
                words = _short(error) if isinstance(error, requests.RequestException) else "the connection broke off"
                raise ForumUnavailable(f"{path}: {words}.") from error
            onward = uploads.own_path(target, forum=self.host)
            if onward is None:
                raise ForumRefused(f"{path}: the forum sends us on to {target[:200]!r}, which is no upload of its own.")
            path = onward
        raise ForumRefused(f"{path}: the forum sends us on again and again.")

    def _asked_for(self, path: str) -> requests.Response:
        headers = {"Api-Key": self.api_key, "Api-Username": self.api_username, "Accept-Encoding": "identity"}
        return requests.get(self.host + path, headers=headers, timeout=self.timeout, allow_redirects=False, stream=True)

    def _body(self, response: requests.Response, path: str, *, most: int, clock: Clock) -> tuple[bytes, str]:
        if response.status_code == 429:
            seconds = UNSTATED_WAIT if (said := _seconds(response.headers.get("Retry-After"))) is None else said + 1
            self._pause.ask(seconds)
            raise ForumUnavailable(f"the forum limits us ({path}).", retry_after=seconds)
        if response.status_code in (404, 410):
            raise ForumNotFound(f"{path}: it is not there.")
        if response.status_code != 200:
            raise ForumRefused(f"{path}: the forum answers with status {response.status_code}.")
        until = clock() + self.timeout

        def chunks() -> Iterator[bytes]:
            # Not `iter_content`: it would unpack what was packed, and wait for whole chunks from one who sends single bytes.
            while chunk := response.raw.read1(_CHUNK, decode_content=False):
                yield chunk
                if clock() > until:
                    raise ForumUnavailable(f"{path}: it takes too long.")

        return uploads.chunks_within(chunks(), most=most), response.headers.get("Content-Type", "")

    def _wait_for_turn(self, patience: float) -> float:
        """Wait until a request is welcome by the forum's wish and by our own limit; the seconds the wish took."""
        asked = self._pause.left()
        if asked > patience:
            raise ForumUnavailable(f"the forum wants to be left alone for {asked:.0f} seconds.", retry_after=asked)
        if (seconds := max(asked, self._bucket.take())) > 0:
            self._wait(seconds)
        return asked

    def _send(self, verb: str, path: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
        """One request, and every way it can fail as one of ours. An empty answer is an empty object."""
        try:
            return super()._request(verb, path, **options) or {}
        except DiscourseClientError as error:
            raise _named(error.response, path) from error
        except DiscourseServerError as error:
            raise _Broken(f"the forum failed with status {error.response.status_code}", sent=True) from error
        except DiscourseError as error:  # 200, and in it a list of errors
            raise ForumRefused(f"{path}: {words_of(error.response)}") from error
        except requests.exceptions.InvalidHeader:
            # Its text holds the header, which is the key: neither the text nor the cause may be shown.
            raise ForumRefused("forum.read_key or forum.write_key holds characters that no key has.") from None
        except requests.RequestException as error:
            raise _Broken(_short(error), sent=not _never_sent(error)) from error


def _raise_unless_repeatable(verb: str, path: str, broken: _Broken, *, last: bool) -> None:
    if verb != "GET" and broken.sent:
        raise OutcomeUnknown(f"{verb} {path}: {broken}; it may have been done all the same.") from broken
    if verb != "GET" or last:
        raise ForumUnavailable(f"{path}: {broken}. Check forum.url and the network.") from broken


def _inspect(response: requests.Response, **_options: object) -> None:
    """A response hook of requests: sees what came before pydiscourse does, and raises what that would mistake."""
    body = response.content  # read here, so that whatever is raised leaves no connection half read
    if response.status_code == 429:
        raise _Limited(_seconds_to_wait(response))
    if 300 <= response.status_code < 400:
        target = response.headers.get("Location", "another page")
        raise ForumRefused(f"the forum sends us on to {target}. Check forum.url: scheme, host and folder.")
    if not response.ok:
        return
    if not body.strip():
        response.headers["Content-Type"] = ""  # pydiscourse fails where there is none
        return
    if not isinstance(_decoded(response), Mapping):
        raise _Broken("the answer is not Discourse's JSON: is a login page or a proxy in between?", sent=True)
    response.headers["Content-Type"] = _JSON


def _seconds_to_wait(response: requests.Response) -> float:
    """The longest of the waits that a 429 names, and a second more, as clocks differ."""
    extras = _object(_object(_decoded(response)).get("extras"))
    stated = (_seconds(extras.get("wait_seconds")), _seconds(response.headers.get("Retry-After")))
    named = [seconds for seconds in stated if seconds is not None]
    return max(named) + 1 if named else UNSTATED_WAIT


def _seconds(value: object) -> float | None:
    if not isinstance(value, int | float | str):
        return None
    try:
        seconds = float(value)
    except ValueError:  # Retry-After may be a date
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _named(response: requests.Response, path: str) -> ForumError:
    """A 4xx as the error it is, with the forum's own words."""
    message = f"{path}: {words_of(response)}"
    match response.status_code:
        case 404 | 410:
            return ForumNotFound(f"{message} (not there, or {_account(response)} may not see it).")
        case 401 | 403:
            return ForumRefused(f"{message} (check the key, its scopes and the account {_account(response)}).")
        case _:
            return ForumRefused(message)


def _account(response: requests.Response) -> str:
    name = response.request.headers.get("Api-Username", "")
    return name.decode() if isinstance(name, bytes) else name


def words_of(response: requests.Response) -> str:
    """What the forum says about a refusal: its list of errors, else the name of the status."""
    errors = _object(_decoded(response)).get("errors")
    said = "; ".join(error for error in errors if isinstance(error, str)) if isinstance(errors, list) else ""
    return said[:_LONGEST_WORDS] or f"{response.status_code} {response.reason or ''}".strip()


def _decoded(response: requests.Response) -> object:
    try:
        return response.json()
    except (ValueError, RecursionError):
        return None


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _never_sent(error: requests.RequestException) -> bool:
    """Whether the request surely did not reach the forum: no connection came about."""
    if isinstance(error, requests.exceptions.ConnectTimeout | requests.exceptions.InvalidURL):
        return True
    reason = error.args[0].reason if error.args and isinstance(error.args[0], MaxRetryError) else None
    untrusted = isinstance(error, requests.exceptions.SSLError) and any(
        isinstance(cause, ssl.SSLCertVerificationError) for cause in getattr(reason, "args", ())
    )
    return untrusted or isinstance(reason, NewConnectionError)


def _short(error: requests.RequestException) -> str:
    match error:
        case requests.exceptions.SSLError():
            return "its certificate is not accepted"
        case requests.exceptions.Timeout():
            return "no answer in time"
        case requests.exceptions.ConnectionError() if _never_sent(error):
            return "no connection to the forum"
        case requests.exceptions.ConnectionError() | requests.exceptions.ChunkedEncodingError():
            return "the connection broke off"
        case _:
            return type(error).__name__
