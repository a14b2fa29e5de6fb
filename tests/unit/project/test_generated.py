"""Generated files that are committed are up to date."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PROTOS = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("*/proto/*.proto"))
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)(\[.*\])?==[^ ]+")


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the code that the .proto files give."""
    folder = tmp_path_factory.mktemp("generated")
    out = [f"--{kind}_out={folder}" for kind in ("python", "pyi")]
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{ROOT}", *out, *PROTOS]
    subprocess.run(command, check=True, cwd=ROOT)
    return folder


def test_the_protocols_are_found() -> None:
    assert {"balancer/proto/balancer.proto", "substation/proto/substation.proto"} <= set(PROTOS)


@pytest.mark.parametrize("proto", PROTOS)
@pytest.mark.parametrize("suffix", ["_pb2.py", "_pb2.pyi"])
def test_the_committed_code_is_that_of_the_protocol(generated: Path, proto: str, suffix: str) -> None:
    name = proto.removesuffix(".proto") + suffix
    assert (ROOT / name).read_text() == (generated / name).read_text(), "run `make proto`"


def test_no_generated_code_is_left_over_from_a_protocol_that_is_gone() -> None:
    stems = {proto.removesuffix(".proto") for proto in PROTOS}
    left = [str(p.relative_to(ROOT)) for p in ROOT.glob("*/proto/*_pb2*")]
    assert {name.partition("_pb2")[0] for name in left} == stems


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_names_no_address(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert "http:" not in text
    assert "--index-url" not in text
    assert "--find-links" not in text


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_requirement_of_a_lock_has_a_version_and_hashes(lock: Path) -> None:
    entries = re.split(r"\n(?=\S)", re.sub(r"^\s*#.*\n", "", lock.read_text(), flags=re.MULTILINE))
    assert entries
    assert [entry for entry in entries if not REQUIREMENT.match(entry) or "--hash=sha256:" not in entry] == []


def test_every_direct_requirement_is_locked() -> None:
    for wanted in (ROOT / "requirements").glob("*.in"):
        names = {
            m[0].lower()
            for line in wanted.read_text().splitlines()
            if (m := re.match(r"[A-Za-z0-9._-]+", line)) and line[0] != "-"
        }
        locked = wanted.with_suffix(".lock").read_text().lower()
        assert [name for name in names if f"\n{name}==" not in locked and f"\n{name}[" not in locked] == []
