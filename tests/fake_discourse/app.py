"""The routes of the fake forum, and who may use them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tests.fake_discourse import shapes
from tests.fake_discourse.connect import provider_route
from tests.fake_discourse.creating import Desk
from tests.fake_discourse.faults import Fault, Json, Script, limited_answer
from tests.fake_discourse.state import REGULAR, Generation, State, StoredPost, StoredTopic, User

PAGE = 50
Handler = Callable[[Request, User], Awaitable[Response]]


@dataclass(frozen=True)
class Key:
    """An API key for one account."""

    username: str
    scopes: frozenset[str]

    def allows(self, scope: str, method: str) -> bool:
        return scope in self.scopes or ("global:read" in self.scopes and method == "GET")


@dataclass
class Traffic:
    """What was asked, for tests to look at; and how much may be asked in a minute."""

    per_minute: int = 60
    requests: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)


class Refused(Exception):
    """Answered with this status and these words."""

    def __init__(self, status: int, words: str, error_type: str) -> None:
        super().__init__(words)
        self.answer = Json({"errors": [words], "error_type": error_type}, status_code=status)


class ForumApp:
    """The forum as an ASGI application."""

    def __init__(self, state: State, desk: Desk, script: Script, keys: dict[str, Key], traffic: Traffic) -> None:
        self.state, self.desk, self.script, self.keys, self.traffic = state, desk, script, keys, traffic
        self.problems: list[Exception] = []
        self._routes = Starlette(
            routes=[
                self._route("/posts.json", self.latest_posts, scope="posts:list"),
                self._route("/posts", self.create, scope="topics:write", method="POST"),
                self._route("/posts/{id:int}.json", self.show_post, scope="(none covers it)"),
                self._route("/posts/{id:int}.json", self.destroy, scope="posts:delete", method="DELETE"),
                self._route("/posts/{username}/pending.json", self.pending, scope="(none covers it)"),
                self._route("/t/{id:int}.json", self.show_topic, scope="topics:read"),
                self._route("/t/{id:int}/posts.json", self.topic_posts, scope="topics:read"),
                self._route("/t/{slug}/{id:int}.json", self.show_topic, scope="topics:read"),
                self._route("/user_actions.json", self.user_actions, scope="(none covers it)"),
                self._route("/uploads/short-url/{name}", self.short_name, scope="uploads"),
                self._route("/uploads/default/original/1X/{name}", self.file, scope="uploads"),
                provider_route(state),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        query = scope["query_string"].decode()
        request = f"{scope['method']} {scope['path']}" + (f"?{query}" if query else "")
        self.traffic.requests.append(request)
        try:
            await self._answer(self.script.take(request), scope, receive, send)
        except Exception as error:
            self.problems.append(error)  # a mistake in the fake itself: shown when the test ends
            raise

    async def _answer(self, fault: Fault | None, scope: Scope, receive: Receive, send: Send) -> None:
        if fault is None:
            await self._routes(scope, receive, send)
            return
        if fault.after:
            await self._routes(scope, receive, _unheard)
        await fault.act(scope, receive, send)

    def _route(self, path: str, handler: Handler, *, scope: str, method: str = "GET") -> Route:
        async def answer(request: Request) -> Response:
            try:
                user = self._caller(request, scope)
                self._count()
                return await handler(request, user)
            except Refused as refused:
                return refused.answer
            except TooMany as too_many:
                return limited_answer(too_many.seconds)

        return Route(path, answer, methods=[method], name=f"{method} {path}")

    def _caller(self, request: Request, scope: str) -> User:
        key = self.keys.get(request.headers.get("Api-Key", ""))
        username = request.headers.get("Api-Username", "")
        if key is None or key.username != username or not key.allows(scope, request.method):
            raise Refused(403, "You are not permitted to view the requested resource.", "invalid_access")
        return self.state.add_user(username)

    def _count(self) -> None:
        now = self.state.clock.seconds()
        recent = [time for time in self.traffic.times if now - time < 60]
        if len(recent) >= self.traffic.per_minute:
            raise TooMany(60 - (now - recent[0]))
        self.traffic.times = [*recent, now]

    async def latest_posts(self, request: Request, user: User) -> Response:
        before = int(request.query_params.get("before", 0))
        with self.state.lock:
            page = _page(self.state, before)
            return Json({"latest_posts": [shapes.latest_shape(self.state, post) for post in page]})

    async def show_post(self, request: Request, user: User) -> Response:
        with self.state.lock:
            post = self._visible_post(request.path_params["id"])
            return Json(shapes.post_shape(self.state, post, raw=True))

    async def show_topic(self, request: Request, user: User) -> Response:
        with self.state.lock:
            topic = self._visible_topic(request.path_params["id"])
            slug = request.path_params.get("slug", topic.slug)
            if slug != topic.slug:
                return RedirectResponse(f"/t/{topic.slug}/{topic.id}.json", status_code=301)
            raw = bool(request.query_params.get("include_raw"))
            return Json(shapes.topic_shape(self.state, topic, raw=raw))

    async def topic_posts(self, request: Request, user: User) -> Response:
        wanted = {int(id_) for id_ in request.query_params.getlist("post_ids[]")}
        with self.state.lock:
            topic = self._visible_topic(request.path_params["id"])
            posts = [post for post in self.state.in_topic(topic.id) if not wanted or post.id in wanted]
            raw = bool(request.query_params.get("include_raw"))
            sent = [shapes.post_shape(self.state, post, raw=raw) for post in posts[: shapes.CHUNK]]
            return Json({"post_stream": {"posts": sent}, "id": topic.id})

    async def create(self, request: Request, user: User) -> Response:
        form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        with self.state.lock:
            return self.desk.hand_in(form, user)

    async def destroy(self, request: Request, user: User) -> Response:
        with self.state.lock:
            post = self._visible_post(request.path_params["id"])
            if post.user is not user:
                raise Refused(403, "You are not permitted to view the requested resource.", "invalid_access")
            self.state.delete_by_author(post.id)
            return Response(b"")

    async def short_name(self, request: Request, user: User) -> Response:
        file = self.state.files.get(request.path_params["name"])
        if file is None:
            raise _not_found()
        return RedirectResponse(file.path, status_code=302)

    async def file(self, request: Request, user: User) -> Response:
        file = next((file for file in self.state.files.values() if file.path == request.url.path), None)
        if file is None:
            raise _not_found()
        return Response(file.content, headers={"Content-Type": file.kind})

    async def pending(self, request: Request, user: User) -> Response:
        if request.path_params["username"] != user.username:
            raise _not_found()
        with self.state.lock:
            own = [waiting for waiting in self.state.pending.values() if waiting.user is user]
            return Json({"pending_posts": [shapes.pending_shape(self.state, waiting) for waiting in own]})

    async def user_actions(self, request: Request, user: User) -> Response:
        offset, limit = (int(request.query_params.get(name, 0)) for name in ("offset", "limit"))
        with self.state.lock:
            replies = [
                post
                for post in self.state.of_user(request.query_params["username"])
                if post.number > 1 and not self.state.topics[post.topic_id].private
            ]
            replies.sort(key=lambda post: post.id, reverse=True)
            rows = replies[offset : offset + (limit or 30)]
            return Json({"user_actions": [shapes.action_shape(self.state, post) for post in rows]})

    def _visible_topic(self, topic_id: int) -> StoredTopic:
        topic = self.state.topics.get(topic_id)
        if topic is None or topic.deleted_at:
            raise _not_found()
        return topic

    def _visible_post(self, post_id: int) -> StoredPost:
        post = self.state.posts.get(post_id)
        if post is None or post.deleted_at:
            raise _not_found()
        self._visible_topic(post.topic_id)
        return post


class TooMany(Exception):
    """More requests in a minute than all keys of the site may make."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


def _page(state: State, before: int) -> list[StoredPost]:
    """A page of /posts.json, as the server's generation makes it."""
    everything = [post for post in state.posts.values() if not post.deleted_at]
    public = [post for post in everything if not state.topics[post.topic_id].private]
    visible = {post.id for post in public if _listed(state, post)}
    newest_first = sorted(public, key=lambda post: post.id, reverse=True)
    match state.generation:
        case Generation.WINDOW:
            top = before or max((post.id for post in everything), default=0)
            window = [post for post in newest_first if top - PAGE < post.id <= top]
            by_time = sorted(window, key=lambda post: post.created_at, reverse=True)
            return [post for post in by_time if post.id in visible]
        case Generation.INCLUSIVE:
            page = [post for post in newest_first if not before or post.id <= before][:PAGE]
            return [post for post in page if post.id in visible]
        case Generation.EXCLUSIVE:
            return [post for post in newest_first if post.id in visible and (not before or post.id < before)][:PAGE]


def _listed(state: State, post: StoredPost) -> bool:
    topic = state.topics[post.topic_id]
    return topic.visible and not topic.deleted_at and not post.hidden and post.post_type == REGULAR


def _not_found() -> Refused:
    return Refused(404, "The requested URL or resource could not be found.", "not_found")


async def _unheard(message: object) -> None:
    """Where an answer goes that nobody is to hear."""
