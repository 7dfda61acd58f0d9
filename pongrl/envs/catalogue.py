"""What an --env means: a game of ale-py, a game of stable-retro, or another environment of Gymnasium.

A name is one of ale-py's (ALE/Pong-v5, PongNoFrameskip-v4), of stable-retro's (Pong-Atari2600-v0), of
Gymnasium's own (CartPole-v1), or module:Id, where importing the module registers the Id at Gymnasium. What is
missing is said in one sentence.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pongrl.errors import PongError
from pongrl.text import printable

INSTALL = 'pip install "pongrl[atari]", or pip install ale-py stable-retro in a checkout'
LONGEST_ERROR = 400  # characters of what an environment's own error says that are shown
RETRO_NAME = re.compile(  # a game of stable-retro: its name, its console, and mostly a version
    r"\w+-(Atari2600|Nes|Snes|N64|NintendoDs|GameBoy|Gb\w+|Genesis|Sms|GameGear|SCD|32x|Saturn|PCEngine|Arcade"
    r"|FBNeo)(-v\d+)?"
)
PLAYED_BY_VECTOR = {  # settings that ALE's vector environment takes, or needs not
    "game", "obs_type", "frameskip", "repeat_action_probability", "full_action_space",
    "max_num_frames_per_episode",
}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """What an --env means."""

    name: str  # as it was given
    kind: str  # "ale", "retro" or "gymnasium"
    game: str  # by which PRESETS knows it
    module: str = ""  # to import first
    settings: dict[str, Any] = field(default_factory=dict)  # of the environment, that its registration has
    is_wrapped: bool = False  # by its registration, in a limit of steps or another wrapper

    @property
    def has_vector(self) -> bool:
        """Whether ALE's own vector environment can play it just so, with as many frames in every step."""
        is_known = self.settings.keys() <= PLAYED_BY_VECTOR and not self.is_wrapped
        return self.kind == "ale" and is_known and type(self.settings.get("frameskip", 4)) is int


def find(name: str, say: Callable[[str], None]) -> Entry:
    """Find out what a name means.

    Args:
        name: as --env has it.
        say: takes a sentence if a ROM is copied for stable-retro.

    Raises:
        PongError: there is no such environment, or its package is missing.
    """
    import gymnasium

    module, _, rest = name.rpartition(":")
    if module:
        _import(module, name)
    else:
        register_ale()
    if rest in gymnasium.registry:
        spec = gymnasium.spec(rest)
        settings = dict(spec.kwargs)
        is_ale = str(spec.entry_point).startswith("ale_py.")
        is_wrapped = spec.max_episode_steps is not None or bool(spec.additional_wrappers)
        if not is_ale:  # nothing of what ours has is meant by its settings, whatever their names
            return Entry(name, "gymnasium", "", module)
        # A wrapper may change the picture, or the actions: then nothing is known of the game.
        game = "" if spec.additional_wrappers else settings.get("game", rest)
        return Entry(name, "ale", game, module, settings, is_wrapped)
    if not module and RETRO_NAME.fullmatch(rest):
        return _retro(rest, say)
    if rest.startswith("ALE/") and "ALE/Pong-v5" not in gymnasium.registry:
        raise PongError(f"{name} needs ale-py, which is not installed: {INSTALL}")
    if not module and "ALE/Pong-v5" not in gymnasium.registry:
        raise PongError(
            f"Gymnasium has no {name}, and ale-py, which may have it, is not installed: {INSTALL}"
        )
    raise PongError(
        f"there is no environment {name}: name one of ale-py (ALE/Pong-v5), of stable-retro "
        "(Pong-Atari2600-v0), of Gymnasium itself (CartPole-v1), or module:Id, where importing the module "
        "registers the Id"
    )


def _import(module: str, name: str) -> None:
    try:
        with contextlib.redirect_stdout(sys.stderr):  # ours is read by whoever started us
            importlib.import_module(module)
    except ImportError as error:
        raise PongError(f"{name} needs the module {module}, which cannot be imported: {error}") from error
    except (Exception, SystemExit) as error:  # whatever its own code raises
        raise cannot_be_made(name, error) from error


def cannot_be_made(name: str, error: BaseException) -> PongError:
    """Return the sentence for an environment that fails before it plays."""
    return PongError(f"{name} cannot be made ({described(error)})")


def described(error: BaseException) -> str:
    """Return an error of an environment's own code in one short line."""
    return printable(f"{type(error).__name__}: {error}", LONGEST_ERROR)


def register_ale() -> None:
    """Let Gymnasium know ale-py's environments, if it is installed."""
    try:
        import ale_py
        import gymnasium
    except ImportError:
        return
    if hasattr(gymnasium, "register_envs"):  # before 1.0 importing it is enough
        gymnasium.register_envs(ale_py)


# stable-retro, and the ROMs


def _retro(name: str, say: Callable[[str], None]) -> Entry:
    try:
        import stable_retro
    except ImportError as error:
        raise PongError(f"{name} needs stable-retro, which is not installed: {INSTALL}") from error
    everything = stable_retro.data.Integrations.ALL
    if name not in stable_retro.data.list_games(everything):
        raise PongError(f"stable-retro knows no game {name}: see the folders of its data for those it knows")
    try:
        stable_retro.data.get_romfile_path(name, everything)
    except FileNotFoundError:
        import_rom(name, say)
    return Entry(name, "retro", name)


def import_rom(name: str, say: Callable[[str], None]) -> Path:
    """Give stable-retro the ROM of a game, if ale-py's wheel has it: the same file, by its SHA-1.

    Returns:
        Where it was put.

    Raises:
        PongError: ale-py has no such file, or it cannot be written.
    """
    import stable_retro

    folder = Path(stable_retro.data.get_file_path(name, "rom.sha", stable_retro.data.Integrations.ALL)).parent
    wanted = (folder / "rom.sha").read_text().split()
    source = next((path for path in _roms() if _sha1(path) in wanted), None)
    if source is None:
        raise PongError(
            f"stable-retro has no ROM of {name} and ale-py has none that fits: get a file with the SHA-1 "
            f"{wanted[0]}, and import it with python -m stable_retro.import FOLDER"
        )
    target = folder / "rom.a26"
    try:
        shutil.copyfile(source, target)
    except OSError as error:
        raise PongError(
            f"the ROM {source} cannot be copied to {target} ({error.strerror}): copy it by hand, or make "
            "the folder writable"
        ) from error
    say(f"imported a ROM for stable-retro: {source} was copied to {target}; it is Atari's, see docs/atari.md")
    return target


def _roms() -> list[Path]:
    try:
        from ale_py import roms
    except ImportError:
        return []
    return sorted(Path(roms.__file__).parent.glob("*.bin"))


def _sha1(path: Path) -> str:
    return hashlib.sha1(path.read_bytes(), usedforsecurity=False).hexdigest()
