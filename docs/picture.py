"""Makes docs/pages.png: the pages of the sample site as a browser shows them. Needs Chromium and the tests' packages.

.venv/bin/python docs/picture.py
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Route, sync_playwright

import syndicate

REPOSITORY = Path(__file__).parent.parent
# Stands in for the articles' pictures, whose addresses are of example domains.
PICTURE = """<svg xmlns="http://www.w3.org/2000/svg" width="1200" height="630"><defs><linearGradient id="a" x2="0" y2="1">
<stop stop-color="#9fc6e8"/><stop offset="1" stop-color="#1f5d7a"/></linearGradient></defs><rect width="100%" height="100%" fill="url(#a)"/>
<path d="M0 430 Q150 390 300 430 T600 430 T900 430 T1200 430 V630 H0Z" fill="#17465c"/></svg>"""


def main() -> None:
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        root = Path(name)
        for folder in ("config", "sample"):
            shutil.copytree(REPOSITORY / folder, root / folder)
        syndicate.build(
            syndicate.load_config(root / "config" / "syndicate.yaml"), now=datetime(2026, 6, 1, tzinfo=UTC)
        )
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 760, "height": 900})

        def answer(route: Route) -> None:
            if route.request.url.startswith("file:"):
                route.continue_()
            else:
                route.fulfill(content_type="image/svg+xml", body=PICTURE)

        page.route("**/*", answer)
        shots = []
        for path in ("index.html", "topic/oceans/index.html"):
            page.goto((root / "out" / path).as_uri(), wait_until="networkidle")
            shots.append(page.screenshot())
        # Both side by side, in one picture.
        import base64

        images = "".join(
            f'<img src="data:image/png;base64,{base64.b64encode(shot).decode()}">' for shot in shots
        )
        page = browser.new_page(viewport={"width": 1560, "height": 940})
        page.set_content(f"<style>body{{margin:20px;display:flex;gap:20px;background:#888}}</style>{images}")
        page.screenshot(path=REPOSITORY / "docs" / "pages.png")
        browser.close()


if __name__ == "__main__":
    sys.exit(main())
