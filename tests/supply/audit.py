"""`make audit ADVISORIES=...`: the locked dependencies of the grid against advisories in OSV's format, without a network.

The advisories are a zip file, or a folder, of JSON files (https://ossf.github.io/osv-schema/): OSV publishes one for PyPI.
Exits with 1 for a vulnerability that is known, and with 2 when nothing was checked. Nothing checked is never "all is well".
"""

import json
import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

LOCK = Path(__file__).parents[2] / "requirements" / "runtime.lock"
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^ \\;]+)", re.MULTILINE)
NOT_CHECKED = """\
Nothing was checked: {why}.
Get the advisories of PyPI (`all.zip` of OSV, in its format) on a machine that reaches them, and give their path:
  make audit ADVISORIES=all.zip
"""


def locked(lock: Path = LOCK) -> dict[str, Version]:
    """Return the versions of all locked dependencies, by their names."""
    return {canonicalize_name(name): Version(version) for name, version in PINNED.findall(lock.read_text())}


def advisories(source: Path) -> Iterator[dict[str, Any]]:
    """Yield all advisories in a folder or a zip file; raises OSError or ValueError for what can't be read."""
    if source.is_dir():
        for path in sorted(source.rglob("*.json")):
            yield json.loads(path.read_text(encoding="utf-8"))
        return
    try:
        with zipfile.ZipFile(source) as packed:
            for name in packed.namelist():
                if name.endswith(".json"):
                    yield json.loads(packed.read(name))
    except zipfile.BadZipFile as error:
        raise ValueError(f"{source} is neither a folder nor a zip file: {error}") from None


def known(advisory: dict[str, Any], versions: dict[str, Version]) -> list[str]:
    """Return the names of the dependencies whose locked version an advisory is about."""
    if advisory.get("withdrawn"):
        return []
    found = list[str]()
    for affected in advisory.get("affected", []):
        package = affected.get("package", {})
        name = canonicalize_name(str(package.get("name", "")))
        if package.get("ecosystem") == "PyPI" and name in versions and _is_of(affected, versions[name]):
            found.append(name)
    return found


def _is_of(affected: dict[str, Any], version: Version) -> bool:
    listed = {parsed for text in affected.get("versions", []) if (parsed := _version(text))}
    ranges = (each for each in affected.get("ranges", []) if each.get("type") == "ECOSYSTEM")
    return version in listed or any(_within(each.get("events", []), version) for each in ranges)


def _within(events: list[dict[str, str]], version: Version) -> bool:
    """Whether a version is in a range, by the evaluation of OSV's schema."""
    vulnerable = False
    for event in sorted(events, key=lambda each: _version(next(iter(each.values()))) or Version("0")):
        (kind, text), *_ = event.items()
        at = _version(text) or Version("0")
        if kind == "introduced" and version >= at:
            vulnerable = True
        elif (kind == "fixed" and version >= at) or (kind == "last_affected" and version > at):
            vulnerable = False
    return vulnerable


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def main(arguments: list[str]) -> int:
    """Check, and say what was found; returns the exit code."""
    source = Path(arguments[0]) if arguments and arguments[0] else None
    if not source:
        sys.stderr.write(
            NOT_CHECKED.format(why="ADVISORIES is not set, and no database is part of this project")
        )
        return 2
    versions, count, faults = locked(), 0, list[str]()
    try:
        for advisory in advisories(source):
            count += 1
            for name in known(advisory, versions):
                faults.append(f"{name} {versions[name]}: {advisory.get('id')} {advisory.get('summary', '')}")
    except (OSError, ValueError) as error:
        sys.stderr.write(NOT_CHECKED.format(why=f"{source} can't be read: {error}"))
        return 2
    if not count:
        sys.stderr.write(NOT_CHECKED.format(why=f"{source} has no advisories"))
        return 2
    sys.stdout.write("".join(f"{fault}\n" for fault in faults))
    sys.stdout.write(
        f"{len(versions)} locked dependencies, {count:,} advisories, {len(faults)} known vulnerabilities\n"
    )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
