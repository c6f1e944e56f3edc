"""The generated clients: type-checked strictly, and used on a running demo. `make test-sdk` generates them first."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.concurrency.servers import WholeServer, manage

pytestmark = pytest.mark.sdk

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SDK = Path(os.environ.get("SDK", ROOT / "dist" / "sdk"))
TOOLS = Path(os.environ.get("SDK_TOOLS", ROOT / ".sdk"))
PYTHON = TOOLS / "python" / "bin" / "python"
DIALECTS = ("practice", "public", "general")
PACKAGES = [SDK / "python" / dialect for dialect in DIALECTS]
# Of the demo: enough for several pages, and for a history of measurements.
PATIENTS = "12"
SECONDS = 600


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Iterator[dict[str, str]]:
    """Serve a demo; yield what the programs and the examples find in their environment."""
    url = f"sqlite:///{tmp_path_factory.mktemp('demo') / 'demo.sqlite3'}"
    made = json.loads(manage(url, "demo", "--json", "--patients", PATIENTS))
    server = WholeServer(url, workers=1)
    try:
        server.wait()
        yield {
            "ANAMNESIS_URL": f"http://127.0.0.1:{server.port}",
            "ANAMNESIS_KEY": made["keys"]["HC_ADMIN"],
            "ANAMNESIS_ORG": made["organization"]["uuid"],
            "ANAMNESIS_PATIENT": made["patient_uuid"],
        }
    finally:
        server.stop()


@pytest.fixture(scope="module")
def python(tmp_path_factory) -> Path:
    """Return a folder with the Python programs and examples."""
    folder = tmp_path_factory.mktemp("python")
    for program in (HERE / "python").glob("*.py"):
        shutil.copy(program, folder)
    write_examples("python", folder)
    return folder


@pytest.fixture(scope="module")
def typescript(tmp_path_factory) -> Path:
    """Return a folder with the TypeScript programs and examples, and the client installed as npm does with a folder."""
    folder = tmp_path_factory.mktemp("typescript") / "programs"
    shutil.copytree(HERE / "typescript", folder)
    write_examples("typescript", folder)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "node_modules").mkdir()
    (folder / "node_modules" / "anamnesis-client").symlink_to(SDK / "typescript")
    (folder.parent / "node_modules").symlink_to(TOOLS / "node_modules")
    return folder


@pytest.fixture(scope="module")
def compiled(typescript) -> Path:
    """Type-check the TypeScript client and programs strictly; return the folder with the JavaScript."""
    run(TOOLS / "node_modules" / ".bin" / "tsc", "--project", ".", cwd=typescript)
    return typescript / "built"


def write_examples(language: str, folder: Path) -> None:
    """Write the examples of docs/clients.md in a language, which are named by their first line."""
    page = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
    for name, program in re.findall(rf"^```{language}\n(?:#|//) (\S+)\n(.*?)^```$", page, re.DOTALL | re.MULTILINE):
        (folder / name).write_text(program, encoding="utf-8")


def run(*command: str | Path, cwd: Path, **given: str) -> str:
    """Run a command with `given` variables in its environment, and return what it prints; fail as it does."""
    path = os.pathsep.join(map(str, PACKAGES))
    environment = os.environ | {"PYTHONPATH": path, "MYPYPATH": path} | given
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=SECONDS)  # noqa: S603
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("dialect", DIALECTS)
def test_clients_are_made_from_what_the_server_sends(demo, dialect):
    sent = requests.get(f"{demo['ANAMNESIS_URL']}/schema/{dialect}.yaml", timeout=SECONDS)

    assert sent.content == (SDK / "openapi" / f"{dialect}.yaml").read_bytes()


def test_python_clients_and_programs_are_strictly_typed(python):
    checked = run(PYTHON, "-m", "mypy", "--strict", "--config-file=", "--cache-dir=.mypy", *PACKAGES, ".", cwd=python)

    assert "no issues found" in checked


def test_a_python_client_installs(tmp_path):
    target = tmp_path / "installed"
    # Nothing is fetched: what builds the package is there.
    options = ("--no-index", "--no-deps", "--no-build-isolation", "--quiet", "--disable-pip-version-check", "--target")
    run(PYTHON, "-m", "pip", "install", *options, target, SDK / "python" / "general", cwd=tmp_path)

    assert (target / "anamnesis_general_api_client" / "py.typed").is_file()


def test_python_programs_work(demo, python):
    run(PYTHON, "-m", "pytest", "-p", "no:cacheprovider", cwd=python, **demo)


def test_typescript_programs_work(demo, compiled):
    run("node", "--test", "program.test.js", cwd=compiled, **demo)


def test_examples_in_python_work(demo, python):
    assert "201 Patient(" in run(PYTHON, "first_calls.py", cwd=python, **demo)
    assert len(run(PYTHON, "reports.py", cwd=python, **demo).splitlines()) > 50


def test_examples_in_typescript_work(demo, compiled):
    assert re.search(r"^201 \S{36} undefined$", run("node", "first_calls.js", cwd=compiled, **demo), re.MULTILINE)
    assert len(run("node", "reports.js", cwd=compiled, **demo).splitlines()) > 50
