"""How long a balancer waits for the database of its order book.

Pure.
"""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Patience:
    """Seconds, such that a request with a key has its answer in less than two.

    `connect_s`: for one server to answer, log in and say whether it can be written. `answer_s`: for a statement; most
    take milliseconds. `grace_s`: from the loss of the last connection on, statements wait so long for a new one.
    """

    connect_s: float = 1.0
    answer_s: float = 1.0
    grace_s: float = 0.4

    @property
    def session(self) -> dict[str, str]:
        """The settings of a connection by which the server itself gives up, in milliseconds."""
        answer_ms = round(self.answer_s * 1000)
        return {
            "statement_timeout": f"{answer_ms}",  # it does not end the wait of a commit for replicas
            "lock_timeout": f"{answer_ms * 4 // 5}",
        }


USUAL = Patience()
UNHURRIED = Patience(10.0, 10.0, 10.0)  # for commands of an operator
