"""The explorer as a person sees it: JupyterLab in a browser, a slider moved, another picture."""

import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "explorer.ipynb"
PATIENCE = 240  # seconds, for a busy machine
OFFLINE = (
    "--LabApp.extension_manager=readonly",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
)
NO_NEWS = '{"fetchNews": "false", "checkForUpdates": false}'


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[str]:
    """JupyterLab on a copy of the notebook; yields the notebook's address."""
    root, settings = tmp_path / "notebooks", tmp_path / "settings"
    root.mkdir()
    news = settings / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    news.parent.mkdir(parents=True)
    news.write_text(NO_NEWS)
    shutil.copy(NOTEBOOK, root)
    port, token = free_port(), secrets.token_hex(16)
    folders = ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")
    environment = os.environ | {f"JUPYTER_{name}": str(settings / name) for name in folders}
    environment |= {"JUPYTERLAB_SETTINGS_DIR": str(settings), "OMP_NUM_THREADS": "1"}
    environment |= {"JUPYTERLAB_WORKSPACES_DIR": str(settings), "IPYTHONDIR": str(settings)}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", *OFFLINE]
    command += [f"--ServerApp.root_dir={root}", "--ServerApp.ip=127.0.0.1"]
    command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    command += [f"--IdentityProvider.token={token}"]
    with (tmp_path / "lab.log").open("w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        end = time.monotonic() + PATIENCE
        while not answers(port):
            assert server.poll() is None, (tmp_path / "lab.log").read_text()
            assert time.monotonic() < end, "JupyterLab did not start"
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/lab/tree/{NOTEBOOK.name}?token={token}"
    finally:
        server.terminate()  # which also ends its kernels
        try:
            server.wait(60)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    context.set_default_timeout(1000 * PATIENCE)
    yield context.new_page()
    context.close()


def test_a_moved_slider_draws_another_picture(lab: str, page: Page) -> None:
    before, elsewhere = NOTEBOOK.read_bytes(), []
    local = re.compile(r"(http|ws)://127\.0\.0\.1:|blob:|data:")
    page.on("request", lambda r: local.match(r.url) or elsewhere.append(r.url))
    page.goto(lab)
    page.locator(".jp-Notebook .jp-MarkdownOutput").first.wait_for()  # the menu knows the notebook
    page.locator("#jp-main-statusbar").get_by_text("| Idle").wait_for()  # the kernel has started
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.locator("#jp-mainmenu-run").get_by_text("Run All Cells", exact=True).click()
    picture = page.locator("img.widget-image")
    picture.wait_for()
    first = picture.get_attribute("src")
    handle = page.locator(".widget-slider", has_text="σ_d").get_by_role("slider")
    handle.press("ArrowRight")
    expect(picture).not_to_have_attribute("src", first, timeout=1000 * PATIENCE)
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 500
    assert page.locator("[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    assert elsewhere == []
    assert NOTEBOOK.read_bytes() == before
