"""Run the tests with each Python, and with other versions of what is required: `python -m tools.matrix`.

Each run has a virtual environment of its own, and installs what the README's test command does:

    newest    the newest versions of the packages in requirements.txt
    lowest    the lowest ones that requirements.txt allows
    pygame    pygame in the place of pygame-ce

Pythons are looked for on PATH and among those of pyenv; --python names others. A run takes some five minutes
on two cores. The table that is printed at the end goes into docs/python.md.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.processes import ROOT

VERSIONS = ("3.11", "3.12", "3.13", "3.14")
KINDS = ("newest", "lowest", "pygame")
PYGAME = "pygame>=2.6"


@dataclass(frozen=True)
class Run:
    """One run of the tests."""

    python: Path
    version: str  # such as 3.12
    kind: str  # of KINDS

    def requirements(self) -> list[str]:
        """Return what to install, in pip's words."""
        packages = packages_in(ROOT / "requirements.txt")
        if self.kind == "lowest":
            packages = [package.replace(">=", "==") for package in packages]
        elif self.kind == "pygame":
            packages = [PYGAME if package.startswith("pygame-ce") else package for package in packages]
        return packages + packages_in(ROOT / "tests" / "requirements.txt")


def packages_in(path: Path) -> list[str]:
    """Return the packages that a file of requirements names."""
    lines = (line.partition("#")[0].strip() for line in path.read_text().splitlines())
    return [line for line in lines if line]


def pythons() -> Iterator[Path]:
    """Find a Python of each version that can be had."""
    for version in VERSIONS:
        pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
        known = shutil.which(f"python{version}")
        found = [*pyenv.glob(f"{version}.*/bin/python"), *([Path(known)] if known else [])]
        for one in found:
            if version_of(one) == version:
                yield one
                break


def version_of(python: Path) -> str:
    """Return the version of a Python, such as 3.12; "" if it does not run."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def result_of(run: Run, *tests: str) -> tuple[str, str]:
    """Run the tests.

    Returns:
        How it went in a few words, and the output if it did not go well.
    """
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run([run.python, "-m", "venv", directory], check=True)
        python = Path(directory, "bin", "python")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        pip += run.requirements()
        done = subprocess.run(pip, capture_output=True, text=True, check=False, env=environment)
        if done.returncode:
            return "cannot be installed", done.stdout + done.stderr
        command = [str(python), "-m", "pytest", "-q", *tests]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
        last = (done.stdout.strip().splitlines() or ["nothing"])[-1]
        words = re.sub(r" in .*|=+ ?", "", last).strip()
        return words, done.stdout + done.stderr if done.returncode else ""


def main(argv: list[str] | None = None) -> int:
    """Run the matrix from its command line and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.matrix", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--python", nargs="+", type=Path, help="Pythons to use, in place of those found")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS), help="kinds of runs")
    parser.add_argument("tests", nargs="*", help="what to give to pytest, behind --; all tests without")
    options = parser.parse_args(argv)
    found = options.python or list(pythons())
    if not found:
        parser.error(f"there is no Python {', '.join(VERSIONS)} here: name one with --python")
    rows, is_good = [], True
    for python in found:
        for kind in options.kinds:
            run = Run(python, version_of(python), kind)
            words, output = result_of(run, *options.tests)
            rows.append(f"| {run.version} | {kind} | {words} |")
            print(rows[-1], flush=True)
            if output:
                is_good = False
                print(output, file=sys.stderr, flush=True)
    print("\n| Python | versions | tests |\n|---|---|---|", *rows, sep="\n")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
