"""`/livez` without dependencies and `/readyz` with them."""

from collections.abc import Callable, Mapping

from runtime.handlers import ApiHandler

READY = 200
UNREADY = 503


class LiveHandler(ApiHandler):
    """Alive means that the event loop turns: it answers 200, whatever else is broken."""

    def get(self) -> None:
        """Answer 200."""
        self.write_json({"status": "alive"})


class ReadyHandler(ApiHandler):
    """Ready means that the service can do its work; otherwise the answer names what it waits for."""

    def initialize(  # type: ignore[override]
        self, waiting_for: Callable[[], list[str]], about: Callable[[], Mapping[str, object]] = dict
    ) -> None:
        """`waiting_for` returns what is lacking, in words; nothing when ready. `about` returns more to show."""
        super().initialize()
        self._waiting_for = waiting_for
        self._about = about

    def get(self) -> None:
        """Answer 200 when ready, otherwise 503 with the names of what is lacking."""
        lacking = self._waiting_for()
        self.write_json(
            {"status": "waiting" if lacking else "ready", "waiting_for": lacking, **self._about()},
            UNREADY if lacking else READY,
        )
