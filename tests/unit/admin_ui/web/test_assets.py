"""The static files: one address for what is in them, and which are compressed."""

from pathlib import Path

from admin_ui.web.assets import Assets
from admin_ui.web.pages import FOLDER


def folder(path: Path, **files: str) -> Assets:
    (path / "js").mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (path / "js" / f"{name}.js").write_text(text)
    return Assets(path)


def test_the_address_changes_with_any_content_and_any_name_and_with_nothing_else(tmp_path: Path) -> None:
    first = folder(tmp_path / "a", one="1;", two="2;").address
    assert folder(tmp_path / "b", one="1;", two="2;").address == first
    assert folder(tmp_path / "c", one="1;", two="3;").address != first
    assert folder(tmp_path / "d", one="1;", other="2;").address != first


def test_what_an_older_page_asks_for_is_not_answered_with_newer_content(tmp_path: Path) -> None:
    old = folder(tmp_path, one="1;").address.removeprefix("/static/")
    new = folder(tmp_path, one="2;")
    assert new.find(f"{old}/js/one.js") == (None, False)
    asset, never_changes = new.find("js/one.js")
    assert asset
    assert (asset.content, never_changes) == (b"2;", False)


def test_a_page_names_all_scripts_that_it_needs_at_once() -> None:
    assets = Assets(FOLDER / "static")
    found = assets.scripts("js/web/main.js", "js/grid/page.js")
    names = {each.removeprefix(f"{assets.address}/") for each in found}
    assert {"js/web/main.js", "js/grid/page.js", "js/lib/dom.js", "vendor/uplot.js"} <= names
    assert len(found) == len(names)
    assert not {name for name in names if name.startswith("js/alarms/page")}
    for name in names:
        asset, never_changes = assets.find(f"{assets.address}/{name}".removeprefix("/static/"))
        assert asset, name
        assert never_changes


def test_a_file_that_gzip_makes_longer_is_not_compressed(tmp_path: Path) -> None:
    asset, _ = folder(tmp_path, one="1;", two="2;" * 1000).find("js/one.js")
    assert asset
    assert asset.compressed is None
