"""Every setting, in one typed model: read once at the edge, then passed in.

A value comes from the environment (`AUTOGRAD_BOT_FORUM__URL`), else from `settings.toml` in the data
directory, else from the default here. The field descriptions are the reference in
`docs/reference/settings.md`, which is generated from this file.
"""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_origin

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from bot.errors import BadSetting

ENVIRONMENT_PREFIX = "AUTOGRAD_BOT_"
#: Variables of ours that are no settings: where the data lies, and who decides at the command line.
_NOT_SETTINGS = frozenset({f"{ENVIRONMENT_PREFIX}DATA", f"{ENVIRONMENT_PREFIX}MODERATOR"})


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ForumSettings(_Section):
    """The Discourse forum that is watched."""

    url: str = Field("", description="Address of the forum, e.g. `https://forum.example.org`. Empty: no forum.")
    username: str = Field("autograd-bot", description="Name of the bot's own account (not staff, trust level 2 or 3).")
    read_key: SecretStr = Field(
        SecretStr(""), description="API key of that account that may only read. Scope: global:read."
    )
    write_key: SecretStr = Field(
        SecretStr(""),
        description="API key of that account that may post. Scopes: topics:write, posts:delete."
        " Empty: nothing is posted.",
    )
    categories: tuple[int, ...] = Field((), description="Numbers of the categories to watch. Empty: none is watched.")
    tags: tuple[str, ...] = Field((), description="Only topics with one of these tags. Empty: tags do not matter.")
    ignore_users: tuple[str, ...] = Field((), description="Accounts whose posts are never answered (other bots).")
    chapters: Mapping[str, str] = Field(
        default_factory=dict,
        description="Topic number to chapter name (a folder of `knowledge/contexts/`), for topics whose title does not tell.",
    )
    timeout_seconds: float = Field(20.0, gt=0, description="How long one request may take.")
    reads_per_minute: int = Field(
        10, ge=1, le=60, description="The bot's own limit; Discourse allows all admin keys of a site 60 together."
    )
    seconds_between_posts: float = Field(30.0, ge=0, description="The least time between two replies.")
    longest_wait_seconds: float = Field(
        90.0,
        ge=0,
        description="The longest the bot obeys a 429 by waiting; beyond it the job ends and comes back later.",
    )

    @field_validator("url")
    @classmethod
    def _scheme_and_no_slash(cls, url: str) -> str:
        if url and not url.startswith(("http://", "https://")):
            raise ValueError("must begin with https:// (or http:// for a forum on this machine)")
        return url.rstrip("/")


class IntakeSettings(_Section):
    """Which posts are looked at, and when."""

    poll_seconds: float = Field(90.0, ge=1, description="Time between two looks at the forum.")
    settle_seconds: float = Field(
        300.0, ge=0, description="A post is answered when it is this old: edits in Discourse's grace period are over."
    )
    longest_age_days: float = Field(14.0, gt=0, description="Posts older than this are left alone.")
    overlap_posts: int = Field(
        50, ge=0, description="How many posts before the high-water mark are read again, to catch late ones."
    )
    catch_up_posts: int = Field(2000, ge=50, description="The most posts one poll reads after an outage.")


class SandboxSettings(_Section):
    """Running strangers' code."""

    environment: Path | None = Field(
        None, description="Where the jail's Python and torch lie. Empty: where `autograd-bot sandbox prepare` put them."
    )
    socket: Path | None = Field(
        None,
        description="Unix socket of a sandbox that runs as its own service. Empty: the sandbox is started by this process.",
    )
    uid: int = Field(60990, ge=1, description="The user a jail runs as when the bot is started by root.")
    workers: int = Field(1, ge=1, le=64, description="Fork servers, each about 300 MiB. Two cores are filled by two.")
    queue: int = Field(64, ge=1, description="Runs that may wait; beyond it the caller is told to come back.")
    seconds: float = Field(10.0, gt=0, description="Wall-clock limit of a run.")
    cpu_seconds: int = Field(10, ge=1, description="CPU limit of a run.")
    memory_mib: int = Field(1024, ge=64, description="Memory a run may take beyond what torch itself holds.")
    output_kib: int = Field(64, ge=1, description="Limit of each of stdout and stderr.")
    recycle_runs: int = Field(1000, ge=1, description="Runs after which a fork server is replaced.")


class ReviewSettings(_Section):
    """The life of a draft."""

    reviewers_group: str = Field(
        "", description="Forum group that gets a message when drafts wait. Empty: nobody is told."
    )
    notify_minutes: float = Field(60.0, ge=0, description="The least time between two such messages. 0: none is sent.")
    page_url: str = Field("", description="Address of the moderators' page, for links in messages.")
    grace_seconds: float = Field(
        60.0,
        ge=0,
        description="Time in which an approval or a rejection can be undone; approved drafts are posted after it.",
    )
    claim_minutes: float = Field(20.0, gt=0, description="How long a claimed draft stays with one moderator.")
    draft_days: float = Field(14.0, gt=0, description="Pending drafts older than this are dropped.")


class PublishSettings(_Section):
    """Posting approved drafts."""

    enabled: bool = Field(
        True, description="False: drafts are made and reviewed, and nothing is posted (a shadow run)."
    )
    retry_after_seconds: float = Field(
        35.0,
        ge=30,
        le=100,
        description="After an unknown outcome the one retry is sent this much later (Discourse remembers creates for 120 s).",
    )


class AnswerSettings(_Section):
    """What is drafted."""

    least_confidence: float = Field(0.5, ge=0, le=1, description="Diagnoses below this are not drafted.")
    text_only: bool = Field(
        True, description="Draft replies to questions that hold nothing to run, with the entry's own example."
    )
    rare_messages: bool = Field(
        False,
        description="Draft replies to the mere quote of a message that lies beyond the common confusions (`run_only`).",
    )
    ask_for_code: bool = Field(False, description="Draft a short request for the code where it alone is missing.")
    documentation_links: bool = Field(True, description="Add one link into the torch documentation.")


class WebSettings(_Section):
    """The moderators' page."""

    host: str = Field("127.0.0.1", description="Address it listens on.")
    port: int = Field(8642, ge=0, le=65535, description="Port it listens on. 0: any free one.")
    base_url: str = Field(
        "",
        description="Address at which moderators reach the page, e.g. `https://bot.example.org`."
        " Empty: `review.page_url`, else `http://HOST:PORT`. With https, cookies are sent over TLS only.",
    )
    allowed_hosts: tuple[str, ...] = Field(
        (), description="Further names (with their port, if any) under which the page may be asked for."
    )
    behind_proxy: bool = Field(
        False, description="True: a proxy of yours stands in front and its `X-Forwarded-For` says who asks."
    )
    sso_secret: SecretStr = Field(
        SecretStr(""),
        description="Secret of the forum's DiscourseConnect provider for this page's host."
        " Empty: only the one-time link on this machine signs in.",
    )
    admin_groups: tuple[str, ...] = Field(("admins",), description="Forum groups whose members may do everything.")
    reviewer_groups: tuple[str, ...] = Field(("moderators",), description="Forum groups whose members decide.")
    reader_groups: tuple[str, ...] = Field((), description="Forum groups whose members may look and change nothing.")
    overdue_hours: float = Field(24.0, gt=0, description="Drafts that wait longer are marked as overdue.")
    session_hours: float = Field(12.0, gt=0, le=12, description="How long a sign-in lasts.")
    logins_per_minute: int = Field(20, ge=1, description="Sign-in attempts one address may make in a minute.")

    @field_validator("base_url")
    @classmethod
    def _whole_address(cls, url: str) -> str:
        if url and not url.startswith(("http://", "https://")):
            raise ValueError("must begin with https:// (or http:// on this machine)")
        return url.rstrip("/")


class Settings(BaseSettings):
    """All settings."""

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True
    )

    forum: ForumSettings = ForumSettings()
    intake: IntakeSettings = IntakeSettings()
    sandbox: SandboxSettings = SandboxSettings()
    review: ReviewSettings = ReviewSettings()
    publish: PublishSettings = PublishSettings()
    answer: AnswerSettings = AnswerSettings()
    web: WebSettings = WebSettings()
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="How much is logged.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file, which arrives as init values."""
        return env_settings, init_settings


def read_settings(data: Path) -> Settings:
    """The settings of a data directory.

    Raises `BadSetting` with the setting's name and what it takes when a value cannot be used.
    """
    path = data / "settings.toml"
    _refuse_unknown_variables(os.environ)
    values: dict[str, Any] = {}
    if path.exists():
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise BadSetting(f"{path} cannot be read: {error}. It must be a TOML file.") from error
    try:
        return Settings(**values)
    except SettingsError as error:  # a list or a table that is not written as JSON
        named = " or ".join(_not_json(os.environ)) or str(error)
        raise BadSetting(
            f"the environment's {named}: a list or a table is written as JSON, like"
            f" {ENVIRONMENT_PREFIX}FORUM__CATEGORIES='[5, 7]'."
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        path_to = tuple(str(part) for part in first["loc"])
        name = ".".join(path_to)
        wrong = _meant(path_to) if first["type"] == "extra_forbidden" else f"{first['msg']}."
        raise BadSetting(f"setting {name}: {wrong} Change it in {path} or in {_variable(path_to[:2])}.") from error


def _refuse_unknown_variables(environment: Mapping[str, str]) -> None:
    """A variable that was meant for a setting and names none would be passed over without a word."""
    for name in sorted(environment):
        if name.startswith(ENVIRONMENT_PREFIX) and name not in _NOT_SETTINGS:
            path_to = tuple(name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__"))
            if path_to[0] not in Settings.model_fields:
                raise BadSetting(f"the environment's {name}: {_meant(path_to)}")


def _not_json(environment: Mapping[str, str]) -> Iterator[str]:
    """The variables that should hold JSON, a list, a table or a whole section, and do not."""
    sections = ((path_to[0],) for path_to in _names() if len(path_to) == 2)
    for name in dict.fromkeys(map(_variable, (*sections, *_names(compound=True)))):
        try:
            json.loads(environment.get(name, "null"))
        except ValueError:
            yield name


def _meant(path_to: tuple[str, ...]) -> str:
    """What to say of a setting that there is not: the one whose name is nearest."""
    known = {"_".join(one): one for one in _names()}
    near = difflib.get_close_matches("_".join(path_to), known, n=1)
    hint = f' Did you mean "{".".join(known[near[0]])}" ({_variable(known[near[0]])})?' if near else ""
    return f"there is no such setting.{hint}"


def _names(*, compound: bool = False) -> Iterator[tuple[str, ...]]:
    """Every setting, as the names that lead to it; with `compound`, those alone that hold a list or a table."""
    for name, field in Settings.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, _Section):
            for inner, its_field in section.model_fields.items():
                if not compound or get_origin(its_field.annotation) in (tuple, Mapping):
                    yield name, inner
        elif not compound:
            yield (name,)


def _variable(path_to: tuple[str, ...]) -> str:
    return ENVIRONMENT_PREFIX + "__".join(path_to).upper()


def default_data_directory(environment: Mapping[str, str] = os.environ) -> Path:
    """Where things are kept when neither `--data` nor AUTOGRAD_BOT_DATA says so."""
    named = environment.get(ENVIRONMENT_PREFIX + "DATA")
    if named:
        return Path(named)
    base = environment.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "autograd-bot"
