"""A Discourse forum for tests: a real HTTP server on loopback that answers as Discourse does.

It models what a bot meets: both keys, three generations of /posts.json, long topics, redirects, the
approval queue, refusals, limits of both kinds, and servers that do a thing and never say so.

    with FakeDiscourse() as forum:
        topic = forum.add_topic("Chapter 3", "welcome", by="teacher")
        question = forum.add_post(topic.id, "why is it None?", by="student")
        forum.fail_next("POST /posts", faults.dropped_after_doing())
        ...
        assert [post.raw for post in forum.posted] == [...]

Time is `forum.clock`: it stands still until a test moves it or something waits on it.
"""

from tests.fake_discourse import faults
from tests.fake_discourse.clock import FakeClock
from tests.fake_discourse.server import FakeDiscourse
from tests.fake_discourse.state import Generation, StoredPost, StoredTopic

__all__ = ["FakeClock", "FakeDiscourse", "Generation", "StoredPost", "StoredTopic", "faults"]
