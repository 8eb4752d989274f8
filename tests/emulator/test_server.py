"""The running emulator, reached by unmodified clients through its proxy under the real host names."""

from __future__ import annotations

import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from declarative_kv.cli.emulator import app
from declarative_kv.emulator.host import process
from declarative_kv.emulator.host.folder import is_free, read_contact
from declarative_kv.emulator.host.options import Options
from tests.emulator.reach import GROUP, LOGIN, MANAGEMENT, Client

VAULT = "kv-server"
VALUE = "v4lue-that-is-never-logged"
# What a user would write: real synchronous clients, credentials and trust from the environment only.
CLIENTS = """
import json, os
from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient
from azure.mgmt.keyvault import KeyVaultManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient

credential, subscription = DefaultAzureCredential(), os.environ["AZURE_SUBSCRIPTION_ID"]
groups = ResourceManagementClient(credential, subscription).resource_groups
groups.create_or_update("rg-sdk", {"location": "westeurope"})
properties = {
    "tenantId": os.environ["AZURE_TENANT_ID"],
    "sku": {"family": "A", "name": "standard"},
    "enableRbacAuthorization": True,
}
vaults = KeyVaultManagementClient(credential, subscription).vaults
parameters = {"location": "westeurope", "properties": properties}
vault = vaults.begin_create_or_update("rg-sdk", "kv-sdk", parameters).result()
secrets = SecretClient(vault.properties.vault_uri, credential)
secrets.set_secret("db", os.environ["VALUE"], content_type="text/plain")
read = secrets.get_secret("db")
listed = [item.name for item in secrets.list_properties_of_secrets()]
same = read.value == os.environ["VALUE"]
kind = read.properties.content_type
print(json.dumps({"uri": vault.properties.vault_uri.rstrip("/"), "same": same, "type": kind, "listed": listed}))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A running emulator's data folder, with a vault."""
    place = tmp_path_factory.mktemp("emulator")
    process.start(place / "data", Options(request_log=str(place / "requests.jsonl")))
    with Client(place / "data") as client:
        client.make_vault(VAULT)
    yield place / "data"
    process.stop(place / "data")


@pytest.fixture
def client(folder: Path) -> Iterator[Client]:
    with Client(folder) as made:
        yield made


def in_a_shell(folder: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run bash with the exports of `emulator env` evaluated first and no variable of this process."""
    text = f"""
        python() {{ {sys.executable} "$@"; }}
        dkv() {{ python -P -c 'from declarative_kv.cli.emulator import app; app()' "$@"; }}
        eval "$(dkv env --data-dir "$FOLDER")" || exit 9
        {script}
    """
    root = str(Path(process.__file__).parents[3])
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": root, "FOLDER": str(folder)}
    command = ["bash", "-c", text, "bash", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_real_synchronous_clients_work_with_the_exports_of_env(folder: Path) -> None:
    done = in_a_shell(folder, 'VALUE="$2" python -W error::SyntaxWarning -c "$1"', CLIENTS, VALUE)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "uri": "https://kv-sdk.vault.azure.net",
        "same": True,
        "type": "text/plain",
        "listed": ["db"],
    }


def test_every_request_is_in_the_log_before_its_answer_arrives(folder: Path, client: Client) -> None:
    log = folder.parent / "requests.jsonl"
    before = len(log.read_text().splitlines())
    client.send("GET", f"{VAULT}.vault.azure.net", "/secrets?api-version=7.6")  # the 401 challenge
    client.set_secret(VAULT, "logged", VALUE)  # with its token
    entries = [json.loads(line) for line in log.read_text().splitlines()[before:]]

    asked = [(entry["method"], entry["host"], entry["path"], entry["query"], entry["status"]) for entry in entries]
    tenant = client.variables["AZURE_TENANT_ID"]
    assert asked == [
        ("GET", f"{VAULT}.vault.azure.net", "/secrets", "api-version=7.6", 401),
        ("POST", LOGIN, f"/{tenant}/oauth2/v2.0/token", "", 200),
        ("PUT", f"{VAULT}.vault.azure.net", "/secrets/logged", "api-version=7.6", 200),
    ]
    assert {frozenset(entry) for entry in entries} == {
        frozenset({"t", "host", "method", "path", "query", "status", "ms", "client"})
    }


def test_the_log_holds_no_value_token_or_client_secret(folder: Path, client: Client) -> None:
    client.set_secret(VAULT, "quiet", VALUE)
    text = (folder.parent / "requests.jsonl").read_text()
    for hidden in (VALUE, client.token(f"{VAULT}.vault.azure.net"), client.variables["AZURE_CLIENT_SECRET"]):
        assert hidden not in text


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("example.com:443", "not Azure's"),
        ("vault.azure.net.example.com:443", "Azure's only at its start"),
        ("127.0.0.1:443", "an address"),
        (f"{LOGIN}:22", "not the port of https"),
        ("pypi.org:443", "a registry"),
    ],
)
def test_other_hosts_are_refused(folder: Path, target: str, reason: str) -> None:
    contact = read_contact(folder)
    assert contact is not None
    connection = http.client.HTTPConnection("127.0.0.1", contact.port, timeout=10)
    connection.request("CONNECT", target)
    assert connection.getresponse().status == 403, reason
    connection.close()


def test_plain_http_is_refused(folder: Path) -> None:
    contact = read_contact(folder)
    assert contact is not None
    connection = http.client.HTTPConnection("127.0.0.1", contact.port, timeout=10)
    connection.request("GET", "http://management.azure.com/subscriptions?api-version=2022-12-01")
    assert connection.getresponse().status == 403
    connection.close()


def test_a_tunnel_to_one_host_cannot_be_used_for_another(client: Client) -> None:
    answer = client.send("GET", MANAGEMENT, "/", headers={"Host": "example.com"})
    assert answer.status == 421


def test_control_needs_the_folders_secret(folder: Path) -> None:
    contact = read_contact(folder)
    assert contact is not None
    connection = http.client.HTTPConnection("127.0.0.1", contact.port, timeout=10)
    connection.request("POST", "/control/reset", "{}", {"Authorization": "Bearer guessed"})
    assert connection.getresponse().status == 401
    connection.close()


def test_clients_without_the_authority_do_not_trust_it(folder: Path) -> None:
    contact = read_contact(folder)
    assert contact is not None
    connection = http.client.HTTPSConnection("127.0.0.1", contact.port, timeout=10)
    connection.set_tunnel(MANAGEMENT, 443)
    with pytest.raises(ssl.SSLCertVerificationError):
        connection.request("GET", "/")
    connection.close()
    with Client(folder) as another:
        assert another.sign_in(f"https://{MANAGEMENT}").status == 200


def test_a_body_in_chunks_is_read_and_a_connection_is_kept(client: Client) -> None:
    host = f"{VAULT}.vault.azure.net"
    headers = {"Authorization": f"Bearer {client.token(host)}", "Content-Type": "application/json"}
    pieces = iter([b'{"val', b'ue": "in pieces"}'])
    answer = client.send("PUT", host, "/secrets/chunks?api-version=7.6", pieces, headers, encode_chunked=True)
    assert answer.status == 200
    first = client._connections[host].sock
    assert client.get_secret(VAULT, "chunks").json()["value"] == "in pieces"
    assert client._connections[host].sock is first


def test_the_target_of_a_request_may_name_its_host(client: Client) -> None:
    target = f"https://{MANAGEMENT}/metadata/endpoints?api-version=2022-09-01"
    assert client.send("GET", MANAGEMENT, target).json()["name"] == "AzureCloud"


def test_a_client_that_waits_to_send_its_body_is_told_to_go_on(client: Client) -> None:
    connection = client.connect("login.microsoftonline.com")
    connection.putrequest("POST", "/common/oauth2/v2.0/token")
    connection.putheader("Content-Length", "4")
    connection.putheader("Expect", "100-continue")
    connection.endheaders()
    assert connection.sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.send(b"a=b&")
    assert connection.getresponse().status == 400


def test_a_head_request_has_no_body(client: Client) -> None:
    answer = client.ask("HEAD", MANAGEMENT, f"{GROUP}?api-version=2021-04-01")
    assert (answer.status, answer.body) == (204, b"")


def test_a_dropped_request_gets_no_answer_and_the_next_one_does(folder: Path, client: Client) -> None:
    process.command(folder, "fault-add", {"method": "GET", "path": "/secrets/x", "drop": True, "times": 1})
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError, ssl.SSLEOFError)):
        client.get_secret(VAULT, "x")
    client.hang_up()
    assert client.get_secret(VAULT, "x").status == 404


def test_a_restart_keeps_data_certificate_and_port(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    process.start(folder, Options())
    with Client(folder) as before:
        before.make_vault("kv-restart")
        before.set_secret("kv-restart", "kept", VALUE)
    assert process.stop(folder)
    process.start(folder, Options())
    with Client(folder) as after:
        assert after.variables == before.variables
        assert after.get_secret("kv-restart", "kept").json()["value"] == VALUE
    process.stop(folder)


def test_a_killed_emulator_loses_no_acknowledged_write(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    contact = process.start(folder, Options())
    with Client(folder) as client:
        client.make_vault("kv-killed")
        for number in range(20):
            assert client.set_secret("kv-killed", f"s{number}", VALUE).status == 200
        os.kill(contact.pid, signal.SIGKILL)
    assert is_free(folder, 10)
    assert process.running(folder) is None
    process.start(folder, Options())
    with Client(folder) as after:
        assert [after.get_secret("kv-killed", f"s{number}").status for number in range(20)] == [200] * 20
    process.stop(folder)


def test_two_data_folders_are_two_azures(folder: Path, tmp_path: Path) -> None:
    process.start(tmp_path / "other", Options(latency_ms=120))
    with Client(tmp_path / "other") as other, Client(folder) as client:
        assert other.variables["AZURE_CLIENT_SECRET"] != client.variables["AZURE_CLIENT_SECRET"]
        started = time.perf_counter()
        listed = other.ask("GET", MANAGEMENT, f"{GROUP.rpartition('/')[0]}?api-version=2021-04-01")
        assert listed.json()["value"] == []
        assert time.perf_counter() - started >= 0.24, "the latency was asked for: a token and a list"
    process.stop(tmp_path / "other")


def test_the_exports_are_taken_back_by_unset(folder: Path) -> None:
    script = """
    printf 'set=%s\n' "$AZURE_CLIENT_ID" "$https_proxy" "${ALL_PROXY-none}"
    eval "$(dkv env --unset)"
    env | sed 's/=.*//' | sort | tr '\n' ' '
    """
    done = in_a_shell(folder, script)
    assert done.returncode == 0, done.stderr
    *exported, left = done.stdout.splitlines()
    proxy = process.exported(folder)
    assert exported == [f"set={proxy['AZURE_CLIENT_ID']}", f"set={proxy['https_proxy']}", "set=none"]
    assert set(left.split()) <= {
        "FOLDER",
        "HOME",
        "OLDPWD",
        "PATH",
        "PWD",
        "PYTHONPATH",
        "SHLVL",
        "_",
        "LC_CTYPE",
    }


def test_awkward_folder_names_survive_the_shell(tmp_path: Path) -> None:
    folder = tmp_path / 'it\'s $(a) "test"; `x`'
    process.start(folder, Options())
    done = in_a_shell(folder, 'printf "%s" "$DKV_EMULATOR"; test -r "$SSL_CERT_FILE"')
    process.stop(folder)
    assert (done.returncode, done.stdout) == (0, str(folder)), done.stderr


def test_every_export_is_one_line_in_single_quotes(folder: Path) -> None:
    printed = CliRunner().invoke(app, ["env", "--data-dir", str(folder)]).stdout.splitlines()
    exports = [line for line in printed if line.startswith("export ")]
    assert all(line.partition("=")[2].startswith("'") and line.endswith("'") for line in exports)
    assert [line for line in printed if not line.startswith(("export ", "unset "))] == []


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux lists its sockets there")
def test_it_listens_on_the_loopback_interface_only(folder: Path) -> None:
    contact = read_contact(folder)
    assert contact is not None
    listening = "0A"
    sockets = [line.split() for table in ("tcp", "tcp6") for line in _table(table)]
    addresses = [fields[1] for fields in sockets if fields[3] == listening]
    assert [one for one in addresses if one.endswith(f":{contact.port:04X}")] == [f"0100007F:{contact.port:04X}"]


def _table(name: str) -> list[str]:
    path = Path("/proc/net") / name
    return path.read_text().splitlines()[1:] if path.exists() else []
