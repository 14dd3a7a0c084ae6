"""docker-compose.yml: well formed, and as closed as the pages say. No container engine is needed."""

import json
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from typer.main import get_command

from bot.cli.app import app
from bot.reference import commands
from bot.settings import ENVIRONMENT_PREFIX, Settings

ROOT = Path(__file__).parents[1]
SCHEMA = resources.files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"

Services = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> Services:
    return compose["services"]


def test_the_file_follows_the_compose_specification(compose: dict[str, Any]) -> None:
    jsonschema.validate(compose, json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_the_check_would_notice_a_misspelt_option(compose: dict[str, Any]) -> None:
    wrong = {**compose, "services": {"bot": {**compose["services"]["bot"], "readonly": True}}}

    with pytest.raises(jsonschema.ValidationError, match="readonly"):
        jsonschema.validate(wrong, json.loads(SCHEMA.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", ["bot", "sandbox"])
def test_a_service_has_no_more_rights_than_it_needs(name: str, services: Services) -> None:
    service = services[name]

    assert service["user"].split(":")[0] not in ("0", "root")
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["mem_limit"]
    assert service["pids_limit"]


def test_the_sandbox_has_no_network_and_sees_neither_data_nor_keys(services: Services) -> None:
    sandbox = services["sandbox"]

    assert sandbox["network_mode"] == "none"
    assert "ports" not in sandbox
    assert sandbox["volumes"] == ["socket:/run/autograd-bot"]
    assert set(sandbox["environment"]) == {"AUTOGRAD_BOT_DATA"}


def test_only_the_sandbox_leaves_the_profiles_of_the_engine(services: Services) -> None:
    assert services["bot"]["security_opt"] == ["no-new-privileges:true"]
    assert set(services["sandbox"]["security_opt"]) == {
        "no-new-privileges:true",
        "seccomp:docker/seccomp.json",
        "apparmor:unconfined",
        "systempaths=unconfined",
    }


def test_the_sandboxs_profile_forbids_what_it_does_not_name() -> None:
    profile = json.loads((ROOT / "docker" / "seccomp.json").read_text(encoding="utf-8"))
    allowed = {name for rule in profile["syscalls"] if rule["action"] == "SCMP_ACT_ALLOW" for name in rule["names"]}

    assert profile["defaultAction"] == "SCMP_ACT_ERRNO"
    assert {"clone", "unshare", "mount", "pivot_root"} <= allowed
    assert allowed.isdisjoint({"kexec_load", "init_module", "bpf", "reboot"})


def test_the_two_talk_over_one_socket_in_a_volume(services: Services, compose: dict[str, Any]) -> None:
    socket = services["bot"]["environment"]["AUTOGRAD_BOT_SANDBOX__SOCKET"]

    assert services["sandbox"]["command"][-2:] == ["--socket", socket]
    assert "socket:/run/autograd-bot" in services["bot"]["volumes"]
    assert Path(socket).parent == Path("/run/autograd-bot")
    assert "socket" in compose["volumes"]


def test_the_page_is_published_on_this_machine_alone(services: Services) -> None:
    assert all(port.startswith("127.0.0.1:") for port in services["bot"]["ports"])


@pytest.mark.parametrize("name", ["bot", "sandbox"])
def test_what_a_service_runs_is_a_command(name: str, services: Services) -> None:
    words = services[name]["command"]
    known = [path for _, path in commands(get_command(app))]  # type: ignore[arg-type]

    assert any(words[: len(path)] == path for path in known)


def test_every_variable_is_a_setting(services: Services) -> None:
    given = services["bot"]["environment"].keys() - {f"{ENVIRONMENT_PREFIX}DATA"}

    for variable in given:
        section, name = variable.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")
        assert name in Settings.model_fields[section].annotation.model_fields  # type: ignore[union-attr]


def test_the_image_is_built_from_files_that_are_here() -> None:
    lines = (ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8").splitlines()
    copied = [word for line in lines if line.startswith("COPY ") for word in line.split()[1:-1]]
    let_in = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()

    assert copied
    for name in copied:
        assert (ROOT / name).exists(), name
        assert f"!{name.removeprefix('./')}" in let_in
