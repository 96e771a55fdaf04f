"""Coverage-guided fuzzing of ``fuzzing.py``, by hand; findings are left in the working folder.

    .venv/bin/pip install atheris
    .venv/bin/python tests/fuzz.py -max_total_time=3600 -timeout=10 -rss_limit_mb=1024 FOLDER

FOLDER holds the inputs to start from, and takes new ones; its files' first byte chooses what is tried.
"""

from __future__ import annotations

import sys

import atheris

# The fuzzer follows the branches of what is imported here for the first time.
with atheris.instrument_imports(include=["syndicate", "markdown_it", "ftfy"]):
    from fuzzing import one_input

if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
