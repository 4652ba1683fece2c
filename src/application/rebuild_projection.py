"""Rebuilding a projection: users added anew from the log, whatever is kept of them."""

from collections.abc import Callable, Sequence

from application.ports.event_log import EventLog
from application.ports.projection import Projection
from application.project_events import ProjectEvents
from application.rebuild import pages_of_everybody


class RebuildProjection:
    """As RebuildUsers does for the embeddings."""

    def __init__(self, project: ProjectEvents, projection: Projection, log: EventLog) -> None:
        self._project = project
        self._projection = projection
        self._log = log

    def __call__(self, user_ids: Sequence[str]) -> None:
        """Rebuild these users, each once."""
        self._project.rebuild(user_ids)

    def all(self, on_users: Callable[[int], None] = lambda _: None) -> int:
        """Rebuild every user that the log or the projection has; return how many, and tell `on_users` of each step.

        One whom only the projection knows becomes empty: a log that was set back to a backup has forgotten some.
        """
        done = 0
        for some in pages_of_everybody(self._log, self._projection):
            self(some)
            done += len(some)
            on_users(len(some))
        return done
