"""The authority of a grid and its certificates: what is made, for whom, when anew, and who can read it."""

import dataclasses
import datetime as dt
import shutil
import ssl
import stat
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from deploy.certificates.__main__ import main
from deploy.certificates.folder import Wanted, fill
from deploy.local.grid import certificates
from runtime.operator_token import OperatorToken
from runtime.probe import contexts
from runtime.tls.credentials import Credentials, read_certificate
from runtime.tls.identity import Role

NOW = dt.datetime.now(dt.UTC)
TWO = Wanted(["substation-1", "north"])
FOLDERS = {
    "balancer": Role.BALANCER,
    "console": Role.CONSOLE,
    "gateway": Role.GATEWAY,
    "operator": Role.OPERATOR,
    "prometheus": Role.PROMETHEUS,
    "substations/substation-1": Role.SUBSTATION,
    "substations/north": Role.SUBSTATION,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tls")
    assert len(fill(made, TWO, NOW)) == len(FOLDERS) + 2  # the authority, and the public one
    return made


def files(folder: Path) -> tuple[Path, Path, Path]:
    return folder / "ca.pem", folder / "cert.pem", folder / "key.pem"


def replace(path: Path, content: bytes) -> None:
    path.unlink()
    path.write_bytes(content)


@pytest.mark.parametrize("name", FOLDERS)
def test_each_service_finds_all_that_it_needs_in_its_folder(folder: Path, name: str) -> None:
    role = FOLDERS[name]
    credentials = Credentials(files(folder / name), role)
    assert credentials.identity.name == (Path(name).name if role is Role.SUBSTATION else "")
    bundle = folder / name / "all.pem"  # as a secret of an engine
    bundled = Credentials((bundle, bundle, bundle), role)
    assert bundled.identity == credentials.identity
    assert bundled.expiries() == credentials.expiries()


def test_nobody_but_their_owner_reads_keys_and_only_the_authority_has_its_own(folder: Path) -> None:
    for path in folder.rglob("*.pem"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o400, path
    assert [path.parent.name for path in folder.rglob("ca-key.pem")] == ["authority"]
    for path in folder.rglob("*"):
        assert path.is_file() or stat.S_IMODE(path.stat().st_mode) == 0o700, path


def test_a_service_under_another_user_can_be_let_read_its_files(tmp_path: Path) -> None:
    fill(tmp_path, Wanted(["substation-1"], readable={Role.PROMETHEUS: 0o444}), NOW)
    modes = {path.parent.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("*/key.pem")}
    assert {name for name, mode in modes.items() if mode == 0o444} == {"prometheus"}


def test_what_is_there_is_kept_until_two_thirds_of_its_time_are_over(tmp_path: Path) -> None:
    wanted = Wanted(["substation-1"], days=90)
    fill(tmp_path, wanted, NOW)
    before = (tmp_path / "balancer" / "cert.pem").read_bytes()
    assert fill(tmp_path, wanted, NOW + dt.timedelta(days=59)) == []
    renewed = fill(tmp_path, wanted, NOW + dt.timedelta(days=61))
    assert "balancer" in renewed
    assert "the authority" not in renewed
    assert (tmp_path / "balancer" / "cert.pem").read_bytes() != before
    _, expires_s = read_certificate(tmp_path / "balancer" / "cert.pem")
    assert expires_s == pytest.approx((NOW + dt.timedelta(days=151)).timestamp(), abs=1)


def test_a_new_name_of_the_gateway_makes_its_public_certificate_anew_and_no_other(tmp_path: Path) -> None:
    fill(tmp_path, TWO, NOW)
    named = Wanted(TWO.substations, ("localhost", "api.grid.example", "192.0.2.7"))
    assert fill(tmp_path, named, NOW) == ["the public one of the gateway"]
    public = x509.load_pem_x509_certificate((tmp_path / "gateway" / "public-cert.pem").read_bytes())
    names = public.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "api.grid.example" in names.get_values_for_type(x509.DNSName)
    assert list(map(str, names.get_values_for_type(x509.IPAddress))) == ["192.0.2.7"]
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == []  # it is nobody of the grid


def test_a_new_authority_before_the_old_one_issues_and_both_are_trusted(tmp_path: Path) -> None:
    fill(tmp_path / "old", TWO, NOW)
    fill(tmp_path / "new", TWO, NOW)
    old, new = (tmp_path / name / "authority" for name in ("old", "new"))
    both = (new / "ca.pem").read_bytes() + (old / "ca.pem").read_bytes()
    for name, content in (("ca.pem", both), ("ca-key.pem", (new / "ca-key.pem").read_bytes())):
        replace(old / name, content)
    fill(tmp_path / "old", dataclasses.replace(TWO, renew_all=True), NOW)
    assert (tmp_path / "old" / "gateway" / "ca.pem").read_bytes() == both
    issued = x509.load_pem_x509_certificate((tmp_path / "old" / "gateway" / "cert.pem").read_bytes())
    issued.verify_directly_issued_by(x509.load_pem_x509_certificate((new / "ca.pem").read_bytes()))


def test_names_of_the_environment_may_have_spaces_between_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", "one.example, two.example,")
    assert certificates(tmp_path, {"SUBSTATION_PORT.1": 8101}) == "https"
    public = x509.load_pem_x509_certificate((tmp_path / "tls/gateway/public-cert.pem").read_bytes())
    names = public.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {"one.example", "two.example"} <= set(names.get_values_for_type(x509.DNSName))


def test_a_former_authority_that_is_taken_out_is_trusted_in_no_file_any_more(tmp_path: Path) -> None:
    fill(tmp_path, TWO, NOW)
    fill(tmp_path / "former", TWO, NOW)
    former = (tmp_path / "former" / "authority" / "ca.pem").read_bytes()
    shutil.rmtree(tmp_path / "former")
    mine = tmp_path / "authority" / "ca.pem"
    alone = mine.read_bytes()
    replace(mine, alone + former)
    fill(tmp_path, TWO, NOW)
    assert former in (tmp_path / "gateway" / "all.pem").read_bytes()
    replace(mine, alone)
    assert "gateway" in fill(tmp_path, TWO, NOW), "and it says so"
    assert [path for path in tmp_path.rglob("*.pem") if former in path.read_bytes()] == []


@pytest.mark.parametrize("gone", ["authority/ca-key.pem", "authority"])
def test_an_authority_whose_key_is_elsewhere_is_not_replaced_by_another(
    tmp_path: Path, gone: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its services would read the new one within a second, and trust each other no more."""
    fill(tmp_path, TWO, NOW)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.pem")}
    (tmp_path / gone).rename(tmp_path.parent / f"{tmp_path.name}-kept")
    assert main([str(tmp_path)]) == 1
    assert "ca-key.pem is missing" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.pem")}.items() <= before.items()


@pytest.mark.parametrize(
    "lost", ["key.pem", "cert.pem", "another key", "no certificate", "another authority"]
)
def test_what_does_not_fit_together_is_issued_anew(tmp_path: Path, lost: str) -> None:
    fill(tmp_path, TWO, NOW)
    gateway = tmp_path / "gateway"
    match lost:
        case "another key":
            replace(gateway / "key.pem", (tmp_path / "balancer" / "key.pem").read_bytes())
        case "no certificate":
            replace(gateway / "cert.pem", b"-----")
        case "another authority":
            fill(tmp_path / "others", TWO, NOW)
            for name in ("cert.pem", "key.pem"):
                replace(gateway / name, (tmp_path / "others" / "gateway" / name).read_bytes())
        case name:
            (gateway / name).unlink()
    assert fill(tmp_path, TWO, NOW) == ["gateway"]
    bundle = gateway / "all.pem"
    for paths in (files(gateway), (bundle, bundle, bundle)):
        assert Credentials(paths, Role.GATEWAY).identity.role is Role.GATEWAY
    issued = x509.load_pem_x509_certificate((gateway / "cert.pem").read_bytes())
    issued.verify_directly_issued_by(x509.load_pem_x509_certificate((gateway / "ca.pem").read_bytes()))


def test_a_key_of_an_authority_that_can_not_sign_is_refused_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path, TWO, NOW)
    key = rsa.generate_private_key(65537, 2048)
    for encryption, why in (
        (serialization.NoEncryption(), "elliptic curve"),
        (serialization.BestAvailableEncryption(b"x"), "can't be read"),
    ):
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
        replace(tmp_path / "authority" / "ca-key.pem", pem)
        assert main([str(tmp_path)]) == 1
        assert why in capsys.readouterr().err


def test_the_tools_of_others_accept_what_it_makes(folder: Path) -> None:
    """OpenSSL as strict as it can be: Prometheus, browsers and charge points use other code than the services."""
    context = ssl.create_default_context(cafile=str(folder / "authority" / "ca.pem"))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "gateway" / "public-cert.pem", folder / "gateway" / "public-key.pem")
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client_side = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    server_side = server.wrap_bio(outgoing, incoming, server_side=True)
    for _ in range(4):
        for each in (client_side, server_side):
            try:
                each.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert client_side.getpeercert()


@pytest.mark.parametrize(
    ("arguments", "made"),
    [((), 3), (("--substations", "2"), 2), (("--substations", "north, south"), 2)],
)
def test_the_command_makes_a_folder(tmp_path: Path, arguments: Sequence[str], made: int) -> None:
    assert main([str(tmp_path / "tls"), *arguments]) == 0
    assert len(list((tmp_path / "tls" / "substations").iterdir())) == made


@pytest.mark.parametrize(
    "arguments",
    [("--substations", "0"), ("--substations", "North"), ("--days", "0"), ("--days", "x")],
    ids=" ".join,
)
def test_the_command_refuses_what_it_can_not_make(tmp_path: Path, arguments: Sequence[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path), *arguments])
    assert ended.value.code == 2
    assert not list(tmp_path.iterdir())


def test_the_command_says_why_a_folder_can_not_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main([str(tmp_path / "file")]) == 1
    assert "certificates can't be made in" in capsys.readouterr().err


def test_a_probe_of_replicas_that_share_a_volume_has_the_certificate_of_each(folder: Path) -> None:
    _, certificate, key = files(folder / "substations" / "{substation_id}")
    environ = {
        "TLS_CA": str(folder / "authority" / "ca.pem"),
        "TLS_CERT": str(certificate),
        "TLS_KEY": str(key),
    }
    assert len(list(contexts(environ, checked=False))) == 2
    assert [each.verify_mode for each in contexts(environ, checked=True)] == [ssl.CERT_REQUIRED] * 2
    assert [each.verify_mode for each in contexts({}, checked=True)] == [ssl.CERT_NONE]


def test_a_digest_is_enough_to_check_a_token_and_not_to_send_it() -> None:
    token = OperatorToken("t" * 32)
    digest = OperatorToken(token.digest)
    assert digest.shown_in([token.field])
    assert not digest.shown_in([f"Bearer {token.digest}"])
    assert not digest.shown_in(["Bearer " + "t" * 31])
    assert (digest.field, digest.headers()) == ("", {})
    assert digest.digest == token.digest
