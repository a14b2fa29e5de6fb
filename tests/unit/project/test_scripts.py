"""The console's scripts, styles and templates: names, addresses and folders fit each other. No browser visits every branch."""

import posixpath
import re
from graphlib import TopologicalSorter
from pathlib import Path

from tests.unit.docs.pages import ROOT

CONSOLE = ROOT / "admin_ui"
STATIC = CONSOLE / "static"
SCRIPTS = STATIC / "js"
TEMPLATES = CONSOLE / "templates"
# Which folder of scripts imports from which: what all use lies in lib, and web starts the page.
ARROWS: dict[str, set[str]] = {
    "lib": set(),
    "people": {"lib"},
    "orders": {"lib", "people"},
    "alarms": {"lib"},
    "audit": {"lib"},
    "decisions": {"lib", "orders"},
    "rush": {"lib", "people"},
    "sessions": {"lib", "orders"},
    "grid": {"lib", "alarms", "orders", "rush"},
    "web": {"lib", "people", "alarms", "audit", "decisions", "rush", "sessions", "grid"},
}
ADDRESS = re.compile(r'(?:assets\.address \}\}/|script = "|scripts\(")((?:js|css)/[^"{]+)"')  # in a template
STYLES = re.compile(r"^\{% set styles = \[([^\]]+)\] %\}$", re.MULTILINE)
RELATIVE = re.compile(r'"(\.\.?/[^"]+\.js)"')  # in a script
PAGE_SCRIPT = re.compile(r'^\{% set script = "([^"]+)" %\}$', re.MULTILINE)
EXPORTED = re.compile(r"^export (?:async )?(?:function|const|class|let) (\w+)", re.MULTILINE)
IMPORTED = re.compile(r'import \{([^}]*)\} from "([^"]+)"')
DECLARED = re.compile(r"(?:function|class|const|let) (\w+)")
CALLED = re.compile(r"(?<![\w.#$])(\w+)\(")
COMMENT = re.compile(r"^\s*(?://|/?\*).*$", re.MULTILINE)


def exported() -> dict[str, set[str]]:
    """Return the names that each script gives to others, by its address."""
    return {
        f"js/{path.relative_to(SCRIPTS)}": set(EXPORTED.findall(path.read_text(encoding="utf-8")))
        for path in SCRIPTS.rglob("*.js")
    }


def resolved(script: Path, address: str) -> str:
    """Return what a script means by a relative address, relative to the folder of static files."""
    return posixpath.normpath(f"{script.parent.relative_to(STATIC).as_posix()}/{address}")


def imported(script: Path, text: str) -> list[tuple[str, str]]:
    """Return pairs of a name and the script that it is imported from."""
    found = ((names, resolved(script, source)) for names, source in IMPORTED.findall(text))
    return [(name.strip(), source) for names, source in found for name in names.split(",") if name.strip()]


def undeclared(path: Path, of_others: set[str]) -> set[str]:
    """Return what a script calls of others and does not import."""
    text = COMMENT.sub("", path.read_text(encoding="utf-8"))
    known = {name for name, _ in imported(path, text)} | set(DECLARED.findall(text))
    methods = set(re.findall(r"^\s+(?:async |static )*(\w+)\([^)]*\) \{", text, re.MULTILINE))
    parameters = set(re.findall(r"\w+", " ".join(re.findall(r"\(([^()]*)\) (?:=>|\{)", text))))
    return {name for name in CALLED.findall(text) if name in of_others} - known - methods - parameters


def test_what_a_script_imports_is_exported_there() -> None:
    names = exported()
    for path in SCRIPTS.rglob("*.js"):
        for name, source in imported(path, path.read_text(encoding="utf-8")):
            assert source in names, (path, source)
            assert name.partition(" as ")[0] in names[source], (path, name, source)


def test_what_a_script_calls_of_another_is_imported() -> None:
    of_others = set().union(*exported().values())
    found = {str(path.relative_to(SCRIPTS)): undeclared(path, of_others) for path in SCRIPTS.rglob("*.js")}
    assert {name: missing for name, missing in found.items() if missing} == {}


def addresses(path: Path) -> set[str]:
    """Return the scripts and styles that a script or template names, relative to the folder of static files."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".js":
        found = {resolved(path, address) for address in RELATIVE.findall(text)}
        return {address for address in found if not address.startswith("vendor/")}
    styles = {f"css/{name}.css" for found in STYLES.findall(text) for name in re.findall(r'"([^"]+)"', found)}
    return set(ADDRESS.findall(text)) | styles


def test_no_script_imports_a_name_twice_which_no_browser_would_run() -> None:
    twice = {}
    for path in SCRIPTS.rglob("*.js"):
        names = [name for name, _ in imported(path, path.read_text(encoding="utf-8"))]
        if more := {name for name in names if names.count(name) > 1}:
            twice[path.name] = more
    assert twice == {}


def test_folders_of_scripts_import_in_one_direction() -> None:
    found: dict[str, set[str]] = {folder.name: set() for folder in SCRIPTS.iterdir()}
    for path in SCRIPTS.rglob("*.js"):
        folder = path.relative_to(SCRIPTS).parts[0]
        found[folder] |= {address.split("/")[1] for address in addresses(path)} - {folder}
    assert found == ARROWS
    assert len(list(TopologicalSorter(ARROWS).static_order())) == len(ARROWS)  # raises for a circle


def test_every_script_and_style_that_is_named_exists_and_every_one_that_exists_is_named() -> None:
    sources = [*SCRIPTS.rglob("*.js"), *TEMPLATES.rglob("*.html")]
    named: set[str] = set().union(*(addresses(path) for path in sources))
    present = {
        path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*") if path.suffix in {".js", ".css"}
    }
    assert named == {path for path in present if not path.startswith("vendor/")}


def test_a_page_has_its_script_loaded_early_if_it_has_one() -> None:
    early = {found for path in TEMPLATES.rglob("*.html") for found in PAGE_SCRIPT.findall(path.read_text())}
    main = SCRIPTS / "web" / "main.js"
    table = main.read_text(encoding="utf-8").partition("const SCRIPTS = {")[2].partition("}")[0]
    assert early == {resolved(main, address) for address in RELATIVE.findall(table)}


def test_scripts_styles_and_templates_lie_in_the_folders_of_the_console() -> None:
    """One name for each part of the console, in Python, scripts, styles and templates; `lib` is for scripts alone."""
    parts = {path.parent.name for path in CONSOLE.glob("*/__init__.py")}
    for folder in (SCRIPTS, STATIC / "css", TEMPLATES):
        assert all(each.is_dir() for each in folder.iterdir()), folder
        assert {each.name for each in folder.iterdir()} - {"lib"} <= parts, folder
