"""First come, first served: computes when a request starts if all earlier requests are served in their order."""

import heapq
from collections.abc import Iterable, Sequence

Freed = tuple[float, int]  # so many seconds after the start of a session so many watts
End = tuple[float, str, int]  # at this moment, at this substation, so many watts come free


def first_come_first_served(
    now_s: float, free_w: dict[str, int], ends: Iterable[End], queue: Sequence[Sequence[Freed]]
) -> float:
    """Return when the last request of `queue` starts; each request is given by the power that it frees after its start.

    `free_w` is what each substation has free now, `ends` what running sessions will free. No request starts before
    an earlier one.
    """
    free_w, pending = dict(free_w), list(ends)
    heapq.heapify(pending)
    for freed in queue:
        power_w = sum(watts for _, watts in freed)
        while not (fitting := [name for name, watts in free_w.items() if watts >= power_w]):
            now_s, name, watts = heapq.heappop(pending)
            free_w[name] += watts
        name = max(fitting, key=free_w.__getitem__)
        free_w[name] -= power_w
        for after_s, watts in freed:
            heapq.heappush(pending, (now_s + after_s, name, watts))
    return now_s
