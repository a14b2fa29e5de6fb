"""The files of a process: what stops a start, what a change does, and how long certificates are valid."""

import datetime as dt
import logging
import math
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtensionOID
from prometheus_client import CollectorRegistry

import admin_ui.settings
import balancer.settings
import gateway.settings
import substation.settings
from runtime.settings import SettingsError, load
from runtime.tls import watched_files
from runtime.tls.credentials import CredentialsUnusable
from runtime.tls.expiry import NAME, PUBLIC, show_expiry
from runtime.tls.identity import Role
from runtime.tls.public import PublicCertificate
from runtime.tls.settings import TlsSettings
from tests.support.authority import Files, TestAuthority
from tests.support.certificates import self_signed

SERVICES = [
    each.Settings for each in (gateway.settings, balancer.settings, substation.settings, admin_ui.settings)
]
ALL = {"TLS_CA": "ca", "TLS_CERT": "cert", "TLS_KEY": "key"}


@pytest.fixture
def authority(tmp_path: Path) -> TestAuthority:
    return TestAuthority(tmp_path / "grid")


@pytest.fixture
def looks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched_files, "LOOK_EVERY_S", 0.0)


@pytest.mark.parametrize("settings", SERVICES)
@pytest.mark.parametrize("given", [["TLS_CA"], ["TLS_CERT"], ["TLS_CERT", "TLS_KEY"]], ids="+".join)
def test_a_part_of_the_settings_stops_the_start_and_names_what_lacks(settings: Any, given: list[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        load(settings, {name: ALL[name] for name in given})
    lacking = sorted(ALL.keys() - set(given))
    named = sorted(fault.split()[0] for fault in caught.value.faults if "go together" in fault)
    assert named == lacking


@pytest.mark.parametrize("settings", SERVICES)
def test_without_them_nothing_is_encrypted(settings: Any) -> None:
    loaded = load(settings, {})
    assert (loaded.scheme, loaded.credentials(Role.GATEWAY)) == ("http", None)


def test_urls_of_services_go_with_tls() -> None:
    for settings, name in (
        (balancer.settings.Settings, "SUBSTATIONS"),
        (admin_ui.settings.Settings, "BALANCER_URL"),
    ):
        with pytest.raises(SettingsError, match=f"{name}=http://.*: with TLS_CA set, https"):
            load(settings, ALL)
        with pytest.raises(
            SettingsError, match=f"{name}=https://a:1: https needs TLS_CA, TLS_CERT and TLS_KEY"
        ):
            load(settings, {name: "https://a:1"})
    assert load(balancer.settings.Settings, ALL | {"SUBSTATIONS": "dns://substation:8101"}).scheme == "https"


def test_what_is_wrong_with_the_files_is_named_all_at_once(authority: TestAuthority, tmp_path: Path) -> None:
    good = authority.files(Role.GATEWAY)
    with pytest.raises(CredentialsUnusable) as caught:
        Files(tmp_path / "no-ca", tmp_path / "no-cert", good.key).credentials(Role.GATEWAY)
    assert [fault.split("=")[0] for fault in caught.value.faults] == ["TLS_CA", "TLS_CERT"]
    expired = authority.files(Role.BALANCER, left=-dt.timedelta(minutes=1))
    text = tmp_path / "text"
    text.write_text("no certificate")
    with pytest.raises(CredentialsUnusable) as caught:
        Files(text, expired.certificate, good.key).credentials(Role.GATEWAY)
    faults = "\n".join(caught.value.faults)
    for words in (
        "is of balancer, and this is gateway",
        "expired on 20",
        "TLS_CA=",
        "can't be used together",
    ):
        assert words in faults


def test_a_certificate_that_the_authority_did_not_issue_is_not_used(
    authority: TestAuthority, tmp_path: Path
) -> None:
    other = TestAuthority(tmp_path / "other").files(Role.GATEWAY)
    with pytest.raises(CredentialsUnusable) as caught:
        Files(authority.ca, other.certificate, other.key).credentials(Role.GATEWAY)
    (fault,) = caught.value.faults
    assert fault.startswith(
        f"TLS_CERT={other.certificate} is refused by whoever trusts TLS_CA={authority.ca}: "
    )
    assert fault.endswith("unable to get local issuer certificate")
    with pytest.raises(CredentialsUnusable) as caught:  # with what else is wrong
        Files(authority.ca, other.certificate, other.key).credentials(Role.BALANCER)
    assert len(caught.value.faults) == 2


def test_an_authority_that_is_being_replaced_goes_on_to_be_trusted(
    authority: TestAuthority, tmp_path: Path
) -> None:
    new = TestAuthority(tmp_path / "new")
    both = tmp_path / "both.pem"
    both.write_bytes(new.certificate + authority.certificate)
    for issuer in (authority, new):
        files = issuer.files(Role.GATEWAY)
        used = Files(both, files.certificate, files.key).credentials(Role.GATEWAY)
        assert used.identity.role is Role.GATEWAY


@pytest.mark.usefixtures("looks_at_once")
def test_a_new_certificate_of_another_authority_is_reported_and_the_former_stays(
    authority: TestAuthority, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = authority.files(Role.GATEWAY)
    credentials = files.credentials(Role.GATEWAY)
    used = credentials.server()
    other = TestAuthority(tmp_path / "other").files(Role.GATEWAY)
    shutil.copy(other.certificate, files.certificate)
    shutil.copy(other.key, files.key)
    assert credentials.server() is used
    assert "unable to get local issuer certificate" in str(caplog.records[-1].__dict__["why"])


def test_a_certificate_that_is_not_valid_yet_is_not_used(authority: TestAuthority) -> None:
    files = authority.files(Role.GATEWAY)
    now = dt.datetime.now(dt.UTC)
    later = now + dt.timedelta(days=3)
    issued = authority.issue_between(Role.GATEWAY, later, later + dt.timedelta(days=1))
    files.certificate.write_bytes(issued.certificate)
    files.key.write_bytes(issued.key)
    with pytest.raises(CredentialsUnusable, match="certificate is not yet valid"):
        files.credentials(Role.GATEWAY)


def test_an_expired_certificate_is_named_once(authority: TestAuthority) -> None:
    with pytest.raises(CredentialsUnusable) as caught:
        authority.files(Role.GATEWAY, left=-dt.timedelta(minutes=1)).credentials(Role.GATEWAY)
    assert len(caught.value.faults) == 1
    assert "expired on 20" in caught.value.faults[0]


def test_a_certificate_without_a_role_is_not_used(authority: TestAuthority) -> None:
    leaf = trustme.CA().issue_cert("gateway.example")
    files = authority.files(Role.GATEWAY)
    files.certificate.write_bytes(leaf.cert_chain_pems[0].bytes())
    with pytest.raises(CredentialsUnusable, match="has 0 URIs among its names: exactly one is accepted"):
        files.credentials(Role.GATEWAY)


@pytest.mark.usefixtures("looks_at_once")
def test_names_that_can_t_be_read_are_a_fault_of_the_files_and_stop_nothing(
    authority: TestAuthority, caplog: pytest.LogCaptureFixture
) -> None:
    files = authority.files(Role.GATEWAY)
    credentials = files.credentials(Role.GATEWAY)
    before = credentials.client(Role.BALANCER)
    files.certificate.write_bytes(with_odd_names())
    assert credentials.client(Role.BALANCER) is before
    assert "new TLS files can't be used" in caplog.text
    with pytest.raises(CredentialsUnusable, match="alternative names of the certificate can't be read"):
        files.credentials(Role.GATEWAY)


def with_odd_names() -> bytes:
    """Return a certificate with a name of a kind that `cryptography` does not know: an ediPartyName."""
    key, nobody, now = ec.generate_private_key(ec.SECP256R1()), x509.Name([]), dt.datetime.now(dt.UTC)
    odd = x509.UnrecognizedExtension(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, b"\x30\x02\xa5\x00")
    builder = x509.CertificateBuilder(nobody, nobody, key.public_key(), 1, now, now + dt.timedelta(hours=1))
    made = builder.add_extension(odd, critical=False).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM)


def test_a_substation_finds_its_files_by_its_id(authority: TestAuthority) -> None:
    for name in ("substation-1", "substation-2"):
        authority.files(Role.SUBSTATION, name)
    given = {"TLS_CA": str(authority.ca)} | {
        name: f"{authority.folder}/{{substation_id}}/{file}.pem"
        for name, file in (("TLS_CERT", "cert"), ("TLS_KEY", "key"))
    }
    found = load(TlsSettings, given).credentials(Role.SUBSTATION, "substation-2")
    assert found
    assert str(found.identity) == "substation-2"


@pytest.mark.usefixtures("looks_at_once")
def test_files_that_do_not_fit_are_reported_and_the_former_stay(
    authority: TestAuthority, caplog: pytest.LogCaptureFixture
) -> None:
    files = authority.files(Role.SUBSTATION, "substation-1")
    credentials = files.credentials(Role.SUBSTATION)
    before = credentials.server()
    assert credentials.server() is before
    spare = Files(files.ca, *(Path(f"{path}.1") for path in (files.certificate, files.key)))
    shutil.copy(files.certificate, spare.certificate)
    shutil.copy(files.key, spare.key)
    authority.files(Role.SUBSTATION, "substation-1")  # both anew
    new_key = files.key.read_bytes()
    files.key.write_bytes(spare.key.read_bytes())  # only the certificate has come yet
    assert credentials.server() is before
    assert "new TLS files can't be used" in caplog.text
    caplog.set_level(logging.INFO)
    files.key.write_bytes(new_key)
    assert credentials.server() is not before
    assert "new TLS files are used" in caplog.text
    used = credentials.server()
    other = authority.files(Role.SUBSTATION, "substation-2")
    shutil.copy(other.certificate, files.certificate)
    shutil.copy(other.key, files.key)
    assert credentials.server() is used
    assert "is of substation-2, and this is substation-1" in str(caplog.records[-1].__dict__["why"])


def test_the_system_is_asked_at_most_once_a_second(
    authority: TestAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials = authority.files(Role.GATEWAY).credentials(Role.GATEWAY)
    asked: list[object] = []
    monkeypatch.setattr(os, "stat", asked.append)
    for _ in range(100):
        credentials.server()
    assert len(asked) <= 3


def test_how_long_certificates_are_valid_is_shown(authority: TestAuthority, tmp_path: Path) -> None:
    registry = CollectorRegistry()
    files = authority.files(Role.GATEWAY, left=dt.timedelta(hours=2))
    show_expiry(
        registry, PUBLIC, files.credentials(Role.GATEWAY), PublicCertificate(*self_signed(tmp_path, "a"))
    )
    left = {name: registry.get_sample_value(NAME, {"certificate": name}) or 0.0 for name in PUBLIC}
    assert 7100 < left["own"] <= 7200
    assert 1.9 * 86_400 < left["public"] <= 2 * 86_400
    assert left["authority"] > left["public"]


def test_without_certificates_they_never_expire() -> None:
    registry = CollectorRegistry()
    show_expiry(registry, PUBLIC, None, None)
    assert {registry.get_sample_value(NAME, {"certificate": name}) for name in PUBLIC} == {math.inf}


@pytest.mark.usefixtures("looks_at_once")
def test_a_public_certificate_is_read_again_and_kept_while_the_new_one_is_wrong(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    certificate, key = self_signed(tmp_path, "a")
    public = PublicCertificate(certificate, key)
    before = public.context()
    certificate.write_text("half of it")
    assert public.context() is before
    assert "a new certificate can't be used" in caplog.text
    assert public.expiries() == {}
    self_signed(tmp_path, "a")
    assert public.context() is not before


def test_settings_that_go_with_tls_are_refused_alone() -> None:
    for name in ("GATEWAY_TLS_CERT", "GATEWAY_TLS_KEY"):
        with pytest.raises(SettingsError, match="GATEWAY_TLS_CERT and GATEWAY_TLS_KEY go together"):
            load(gateway.settings.Settings, {name: "file"})
    with pytest.raises(SettingsError, match="CONSOLE_MONITOR_PORT asks for certificates: it needs TLS_CA"):
        load(admin_ui.settings.Settings, {"CONSOLE_MONITOR_PORT": "8081"})


def test_the_console_asks_a_gateway_where_it_can_show_its_certificate() -> None:
    urls = {
        "BALANCER_URL": "https://b:1",
        "GATEWAY_URL": "http://g:1",
        "GATEWAY_MONITOR_URLS": "https://g:2,https://g:3",
    }
    console = load(admin_ui.settings.Settings, ALL | urls)
    assert console.gateway_calls == "https://g:2"
    assert console.roles == {
        "https://b:1": Role.BALANCER,
        "http://g:1": None,
        "https://g:2": Role.GATEWAY,
        "https://g:3": Role.GATEWAY,
    }
    assert load(admin_ui.settings.Settings, {"GATEWAY_URL": "http://g:1"}).gateway_calls == "http://g:1"
