"""A Debian in a directory, of this machine's architecture or of another one that qemu emulates.

    Root      one such directory, and how to run a program in it
    prepare   make it, and install this project's wheel and requirements as docs/raspberry-pi.md says

It needs root's rights and Debian's packages debootstrap and qemu-user-static. What this machine's apt and pip
need to reach their archives (mirror, proxy, certificates) is taken from this machine when the root is made.
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.processes import ROOT

MACHINES = {"arm64": "aarch64", "amd64": "x86_64"}  # what the kernel calls Debian's architectures
PACKAGES = "python3,python3-venv"
LIBRARIES = ("libgl1", "libglib2.0-0")  # for OpenCV; a Debian with a desktop has them
PONG = "/opt/pong"  # the virtual environment in the root
MADE = "etc/pong-made"  # says that it is complete
BINFMT = Path("/proc/sys/fs/binfmt_misc")
RULE = Path("/usr/lib/binfmt.d/qemu-aarch64.conf")  # of Debian's package qemu-user-static
COPIED = ("/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt")
PASSED_ON = ("http_proxy", "https_proxy", "no_proxy", "pip_index_url", "pip_cert", "pip_default_timeout")
APT_SETTINGS = ("Acquire::http", "Acquire::Check")  # proxies, and which dates are looked at
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "site", "images", "*.egg-info")


@dataclass(frozen=True)
class Root:
    """A Debian in a directory.

    Attributes:
        path: the directory.
        suite: Debian's release, such as bookworm.
        architecture: arm64 or amd64.
        cpu: the processor that qemu plays; it says which instructions numpy and OpenBLAS choose.
    """

    path: Path
    suite: str
    architecture: str
    cpu: str

    @property
    def is_foreign(self) -> bool:
        """Whether this machine needs qemu to run its programs."""
        return MACHINES[self.architecture] != platform.machine()

    @property
    def within(self) -> tuple[str, ...]:
        """The command that runs a program in it, with nothing of this machine's environment but proxies."""
        settings = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}
        settings["DEBIAN_FRONTEND"] = "noninteractive"
        settings |= {name: value for name, value in os.environ.items() if name.lower() in PASSED_ON}
        if self.is_foreign:
            settings["QEMU_CPU"] = self.cpu
        chroot = shutil.which("chroot") or "/usr/sbin/chroot"
        return ("env", "-i", *(f"{name}={value}" for name, value in settings.items()), chroot, str(self.path))

    def run(self, *command: str, seconds: float = 900) -> str:
        """Run a program in it to its end, and return its output.

        Raises:
            RuntimeError: it fails, or takes longer.
        """
        return run(*self.within, *command, seconds=seconds)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Give programs in it /proc for as long as the block lasts."""
        run("mount", "-t", "proc", "proc", str(self.path / "proc"))
        try:
            yield
        finally:
            run("umount", "--lazy", str(self.path / "proc"))


def run(*command: str, seconds: float = 900) -> str:
    """Run a command to its end, and return its output.

    Raises:
        RuntimeError: it fails, or takes longer.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RuntimeError(f"{command[0]}: {error}") from error
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


@contextlib.contextmanager
def prepare(root: Root, mirror: str | None = None) -> Iterator[None]:
    """Make it if it is not there yet, install the project as it is now, and keep it running for the block.

    Raises:
        RuntimeError: a step fails.
    """
    if root.is_foreign:
        teach_the_kernel()
    if not (root.path / MADE).exists():
        debootstrap(root, mirror or mirror_of_this_machine())
        (root.path / MADE).touch()
    copy_settings(root)
    with root.running():
        install(root)
        yield


def teach_the_kernel() -> None:
    """Let the kernel run programs of aarch64 with qemu, as systemd does on most machines."""
    if not (BINFMT / "register").exists():
        run("mount", "-t", "binfmt_misc", "binfmt_misc", str(BINFMT))
    if not (BINFMT / "qemu-aarch64").exists():
        (rule,) = [line for line in RULE.read_text().splitlines() if line.startswith(":")]
        (BINFMT / "register").write_text(rule)


def debootstrap(root: Root, mirror: str) -> None:
    """Make it, with Python and what OpenCV needs."""
    options = (f"--arch={root.architecture}", "--variant=minbase", f"--include={PACKAGES}")
    run("debootstrap", *options, root.suite, str(root.path), mirror, seconds=3600)
    copy_settings(root)
    root.run("apt-get", "update")
    root.run("apt-get", "install", "--yes", "--no-install-recommends", *LIBRARIES, seconds=3600)


def copy_settings(root: Root) -> None:
    """Let it reach what this machine reaches, in the same way."""
    for name in COPIED:
        if Path(name).exists():
            copy = root.path / name[1:]
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(name, copy)
    said = run("apt-config", "dump").splitlines(keepends=True)
    settings = "".join(line for line in said if line.startswith(APT_SETTINGS))
    (root.path / "etc/apt/apt.conf.d/50outside").write_text(settings)


def mirror_of_this_machine() -> str:
    """Return where this machine's apt gets its packages from."""
    command = (
        "apt-get",
        "indextargets",
        "--format",
        "$(REPO_URI)",
        "Created-By: Packages",
        "Component: main",
    )
    return run(*command).split()[0]


def install(root: Root) -> None:
    """Install the requirements and the wheel of this checkout into a virtual environment."""
    if not (root.path / PONG[1:]).exists():
        root.run("python3", "-m", "venv", PONG)
    with tempfile.TemporaryDirectory(dir=root.path / "tmp") as directory:
        wheel = build_wheel(Path(directory))
        shutil.copy(ROOT / "requirements.txt", directory)
        pip, inside = f"{PONG}/bin/pip", Path("/tmp", Path(directory).name)
        root.run(pip, "install", "--quiet", "-r", f"{inside}/requirements.txt", seconds=1800)
        root.run(pip, "install", "--quiet", "--no-deps", "--force-reinstall", f"{inside}/{wheel.name}")


def build_wheel(directory: Path) -> Path:
    """Build the wheel of this checkout, from a copy, since setuptools builds where it finds the sources."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "copy")
        shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
        pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(directory))
        run(*pip, str(copy))
    (wheel,) = directory.glob("*.whl")
    return wheel
