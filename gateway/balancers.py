"""The balancers that a gateway knows: a call goes to one that is up, and to another one when that one is lost.

Rules:

- a call goes to the balancer with the fewest calls in flight, of those that can place cars; ties go in turns;
- a call that was not sent yet waits for any balancer, until its time is over;
- a call that was sent, and whose balancer is then lost, goes to another balancer of the same order book, if it may be
  carried out twice. That is everything but a request without an Idempotency-Key: nobody but the lost balancer knows
  under which key it went to a substation.
"""

import asyncio
import itertools
import logging
from collections.abc import Callable, Collection, Iterable

from balancer.contract import BalancerAnswer, Charge, Command
from gateway.balancer_stream import BalancerLink
from runtime.coalescer import LinkLost, NotSent
from runtime.message_stream import SILENT_S
from runtime.name_lookup import Resolve, looked_up
from runtime.settings import DNS

log = logging.getLogger(__name__)

MOST_SENT = 3  # a call that ends one balancer after the other does not end them all
# Time is left to ask another balancer: a placement has 5 s.
SILENT_WITH_OTHERS_S = 2.0

# Makes the link to `host:port`, which is lost after so many seconds of silence, and calls back when it is greeted.
MakeLink = Callable[[str, float, Callable[[], None]], BalancerLink]


class NotAsked(Exception):
    """No balancer was up: the call was sent to none."""


class Balancers:
    """The links to all balancers that `sources` name: `host:port`, or `dns://name:port` for all addresses of a name."""

    def __init__(self, sources: Collection[str], make_link: MakeLink) -> None:
        self.links: dict[str, BalancerLink] = {}
        self._make_link = make_link
        self._listed = frozenset(source for source in sources if not source.startswith(DNS))
        self._found = {source: frozenset[str]() for source in sources if source.startswith(DNS)}
        self._alone = len(sources) == 1 and not self._found
        self._retired: list[BalancerLink] = []
        self._turns = itertools.count()
        self._greeted = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._know(self._listed)

    @property
    def waiting_for(self) -> list[str]:
        """The reasons why no request can be placed now: those of the balancers, or that none is up."""
        up = self._up()
        if not up:
            named = ", ".join(sorted(self.links) or sorted(self._found))
            return [f"the balancer at {named}" if len(self.links) <= 1 else f"one of the balancers {named}"]
        if any(not link.waiting_for for link in up):
            return []
        return sorted({reason for link in up for reason in link.waiting_for})

    def states(self) -> dict[str, str]:
        """Return how each balancer stands, by its address: `ready`, `waiting` when it can place no car, or `lost`."""
        return {
            address: ("waiting" if link.waiting_for else "ready") if link.up else "lost"
            for address, link in self.links.items()
        }

    @property
    def book_id(self) -> str:
        """The order book of the balancers, of those that can place cars first; '' when none is up."""
        up = sorted(self._up(), key=lambda link: bool(link.waiting_for))
        return up[0].book_id if up else ""

    async def call(self, command: Command, within_s: float) -> BalancerAnswer:
        """Return the answer of a balancer.

        Raises NotAsked when none was up for `within_s`, LinkLost when the balancer was lost and no other may be asked, and
        TimeoutError when one that was asked has not answered within `within_s`.
        """
        until_s = self._loop.time() + within_s
        sent, book_id = 0, ""
        while True:
            link = self._best(book_id) or await self._next_up(book_id, until_s, asked=sent > 0)
            link.called += 1
            try:
                return await link.call(command, until_s - self._loop.time())
            except NotSent:
                continue
            except LinkLost:
                sent, book_id = sent + 1, link.book_id
                if not repeatable(command) or sent == MOST_SENT or not self._best(book_id):
                    raise
                log.info("another balancer is asked", extra={"lost": link.address})

    async def follow(self, every_s: float, resolve: Resolve) -> None:
        """Look the names up, again and again, until cancelled; a look-up that fails changes nothing."""
        while self._found:
            for source in self._found:
                try:
                    addresses = await looked_up(source, resolve)
                except (OSError, UnicodeError) as error:
                    log.warning("a name can't be resolved", extra={"source": source, "error": str(error)})
                    continue
                self._found[source] = addresses or self._found[source]
            self._know(self._listed.union(*self._found.values()))
            await self._close_retired()
            await asyncio.sleep(every_s)

    async def close(self) -> None:
        """End all streams."""
        await asyncio.gather(*(link.close() for link in [*self.links.values(), *self._retired]))

    def _know(self, addresses: Iterable[str]) -> None:
        """Have a link to each of these addresses. New calls take no other link; those in flight are still answered."""
        wanted = sorted(addresses)
        silent_s = SILENT_S if self._alone else SILENT_WITH_OTHERS_S
        self._retired += [link for address, link in self.links.items() if address not in wanted]
        self.links = {
            address: self.links.get(address) or self._make_link(address, silent_s, self._greeted.set)
            for address in wanted
        }

    async def _close_retired(self) -> None:
        idle = [link for link in self._retired if not link.in_flight]
        self._retired = [link for link in self._retired if link.in_flight]
        for link in idle:
            await link.close()

    def _up(self) -> list[BalancerLink]:
        return [link for link in self.links.values() if link.up]

    def _best(self, book_id: str) -> BalancerLink | None:
        """Return the balancer to ask, of those with an order book ('' for any); None when none is up."""
        links = [link for link in self._up() if not book_id or link.book_id == book_id]
        if len(links) <= 1:
            return links[0] if links else None
        turn = next(self._turns) % len(links)
        return min([*links[turn:], *links[:turn]], key=lambda link: (bool(link.waiting_for), link.in_flight))

    async def _next_up(self, book_id: str, until_s: float, *, asked: bool) -> BalancerLink:
        """Wait for a balancer; when none has come up by `until_s`, raises TimeoutError if one was asked before, else NotAsked."""
        try:
            async with asyncio.timeout_at(until_s):
                while not (link := self._best(book_id)):
                    self._greeted.clear()
                    await self._greeted.wait()
        except TimeoutError as error:
            raise error if asked else NotAsked from None
        return link


def repeatable(command: Command) -> bool:
    """Whether a command may be carried out twice: its key tells a copy from another request, or it changes nothing more."""
    return not isinstance(command, Charge) or bool(command.key)
