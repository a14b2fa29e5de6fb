"""One threshold of a run, as it was judged.

Pure.
"""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Threshold:
    """One threshold of a run.

    Attributes:
        name: The name of the figure.
        value: What was measured, as text.
        limit: What the value must be, such as `<= 250`.
        passed: Whether the value is within the limit.
        note: A remark on the value.
        judged: False when the threshold did not pass, and a change on the grid may be the reason.
    """

    name: str
    value: str
    limit: str
    passed: bool
    note: str = ""
    judged: bool = True

    @property
    def failed(self) -> bool:
        """Whether the threshold counts against the grid."""
        return self.judged and not self.passed
