"""The paths of the files of a process, some of which have the id of a substation in them."""

import glob
from collections.abc import Iterator

OWN_NAME = "{substation_id}"  # in a path: the id of the substation, once it is known


def own_path(path: str, substation_id: str) -> str:
    """Return a path with the id in its place."""
    return path.replace(OWN_NAME, substation_id)


def existing(certificate: str, key: str) -> Iterator[tuple[str, str]]:
    """Yield certificates with their keys: all that there are where they have the id of a substation in their path."""
    before, named, after = certificate.partition(OWN_NAME)
    if not named:
        yield certificate, key
        return
    for found in sorted(glob.glob(f"{glob.escape(before)}*{glob.escape(after)}")):  # noqa: PTH207 - whole paths
        yield found, own_path(key, found[len(before) : len(found) - len(after)])
