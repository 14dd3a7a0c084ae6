"""DiscourseConnect with this forum as identity provider: /session/sso_provider.

Who is signed in at the forum is said by the browser's cookie `_t`, which here is simply the username.
"""

import base64
import hashlib
import hmac
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.fake_discourse.state import State, User

COOKIE = "_t"


def provider_route(state: State) -> Route:
    """The one address of the provider. No API key is asked for."""

    async def answer(request: Request) -> Response:
        return provide(state, request)

    return Route("/session/sso_provider", answer, methods=["GET"])


def provide(state: State, request: Request) -> Response:
    if not state.connect_secrets:
        return PlainTextResponse("Not found", status_code=404)
    sso, sig = request.query_params.get("sso", ""), request.query_params.get("sig", "")
    asked = _payload(sso)
    return_url = asked.get("return_sso_url", "")
    secret = state.connect_secrets.get(urlsplit(return_url).netloc)
    if not return_url or secret is None:
        return PlainTextResponse("Blank return_sso_url or provider secret", status_code=400)
    if not hmac.compare_digest(signature(secret, sso), sig):
        return PlainTextResponse("Bad signature for SSO payload", status_code=422)
    user = state.users.get(request.cookies.get(COOKIE, ""))
    if user is None:
        return RedirectResponse("/login", status_code=302)
    joiner = "&" if "?" in return_url else "?"
    return RedirectResponse(f"{return_url}{joiner}{signed(secret, described(user, asked))}", status_code=302)


def described(user: User, asked: dict[str, str]) -> dict[str, str]:
    """What the provider says of an account. The automatic groups are among its groups."""
    automatic = [f"trust_level_{level}" for level in range(user.trust_level + 1)]
    automatic += ["moderators", "staff"] if user.staff else []
    return {
        "nonce": asked.get("nonce", ""),
        "return_sso_url": asked.get("return_sso_url", ""),
        "external_id": str(user.id),
        "username": user.username,
        "name": user.username.title(),
        "email": f"{user.username}@example.org",
        "admin": "false",
        "moderator": "true" if user.staff else "false",
        "groups": ",".join([*automatic, *user.groups]),
        "avatar_url": "https://forum.example.org/letter.png",
        "no_2fa_methods": "true",
    }


def signed(secret: str, fields: dict[str, str]) -> str:
    """The query string that carries these fields."""
    sso = base64.b64encode(urlencode(fields).encode()).decode()
    return urlencode({"sso": sso, "sig": signature(secret, sso)})


def signature(secret: str, sso: str) -> str:
    return hmac.new(secret.encode(), sso.encode(), hashlib.sha256).hexdigest()


def _payload(sso: str) -> dict[str, str]:
    try:
        text = base64.b64decode(sso).decode()
    except ValueError:
        return {}
    return {name: values[0] for name, values in parse_qs(text).items()}
