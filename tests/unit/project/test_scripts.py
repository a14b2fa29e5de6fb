"""The console's scripts: what one calls of another is imported. No browser visits every branch."""

import re
from pathlib import Path

from tests.unit.docs.pages import ROOT

SCRIPTS = ROOT / "admin_ui" / "static" / "js"
EXPORTED = re.compile(r"^export (?:async )?(?:function|const|class|let) (\w+)", re.MULTILINE)
IMPORTED = re.compile(r'import \{([^}]*)\} from "([^"]+)"')
DECLARED = re.compile(r"(?:function|class|const|let) (\w+)")
CALLED = re.compile(r"(?<![\w.#$])(\w+)\(")
COMMENT = re.compile(r"^\s*(?://|/?\*).*$", re.MULTILINE)


def exported() -> dict[str, set[str]]:
    """Return the names that each script gives to others, by its address."""
    return {
        f"/static/js/{path.relative_to(SCRIPTS)}": set(EXPORTED.findall(path.read_text(encoding="utf-8")))
        for path in SCRIPTS.rglob("*.js")
    }


def imported(text: str) -> list[tuple[str, str]]:
    """Return pairs of a name and the address that it is imported from."""
    found = ((names, source) for names, source in IMPORTED.findall(text))
    return [(name.strip(), source) for names, source in found for name in names.split(",") if name.strip()]


def undeclared(path: Path, of_others: set[str]) -> set[str]:
    """Return what a script calls of others and does not import."""
    text = COMMENT.sub("", path.read_text(encoding="utf-8"))
    known = {name for name, _ in imported(text)} | set(DECLARED.findall(text))
    methods = set(re.findall(r"^\s+(?:async |static )*(\w+)\([^)]*\) \{", text, re.MULTILINE))
    parameters = set(re.findall(r"\w+", " ".join(re.findall(r"\(([^()]*)\) (?:=>|\{)", text))))
    return {name for name in CALLED.findall(text) if name in of_others} - known - methods - parameters


def test_what_a_script_imports_is_exported_there() -> None:
    names = exported()
    for path in SCRIPTS.rglob("*.js"):
        for name, source in imported(path.read_text(encoding="utf-8")):
            assert source in names, (path.name, source)
            assert name.partition(" as ")[0] in names[source], (path.name, name, source)


def test_what_a_script_calls_of_another_is_imported() -> None:
    of_others = set().union(*exported().values())
    found = {path.name: undeclared(path, of_others) for path in SCRIPTS.rglob("*.js")}
    assert {name: missing for name, missing in found.items() if missing} == {}
