"""The server for other games: what may be named, what is refused, and the wire that it speaks."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("gymnasium", reason="Gymnasium is not installed: pip install gymnasium")

from pongrl import cli
from pongrl.agent.local_server import LocalServer, training_flags
from pongrl.envs import catalogue, emulators, serve
from pongrl.envs.emulators import Emulators, Outcome, open_emulators
from pongrl.envs.machines import Facts
from pongrl.envs.presets import OTHER, PRESETS, actions_of
from pongrl.envs.serve import Serve, buttons_of, preset_of, shows_court
from pongrl.errors import ConnectionLostError, PongError, RefusedError, UsageError
from pongrl.game.moves import DOWN, UP
from pongrl.wire.client import PongClient, PongWatcher
from pongrl.wire.messages import Mover, Role, Session, Step
from tests.support import PATIENCE, ROOT

TOY = "tests.support.toys:Toy-v0"
ALE = pytest.mark.skipif(not importlib.util.find_spec("ale_py"), reason="ale-py: pip install ale-py")
RETRO = pytest.mark.skipif(
    not (importlib.util.find_spec("stable_retro") and importlib.util.find_spec("ale_py")),
    reason="stable-retro and ale-py: pip install stable-retro ale-py",
)


@contextlib.contextmanager
def served(env: str = TOY, **options: Any) -> Iterator[Serve]:
    with Serve(env, **({"port": 0, "lockstep": True} | options)) as server:
        server.start(block=False)
        yield server


@contextlib.contextmanager
def playing(env: str = TOY, **options: Any) -> Iterator[tuple[PongClient, Step]]:
    with served(env, **options) as server, PongClient(*server.address, token="") as client:
        yield client, client.connect()


def kind(name: str) -> str:
    return f"tests.support.toys:{name}-v0"


def test_an_environment_speaks_the_wire_in_lockstep(capsys: pytest.CaptureFixture[str]) -> None:
    with playing(games=2, seed=4, size="20x16") as (client, step):
        assert client.session == Session(2, 20, 16, 0, 1, 30, 21, True)
        assert [int(frame.argmax()) for frame in step.frames] == [4 * 16 + 5, 5 * 16 + 5]  # its seeds
        step = client.step([UP, DOWN])
        assert (step.rewards.tolist(), step.scores.tolist()) == ([1, -1], [[1, 0], [0, 1]])
        assert (step.moves.tolist(), step.movers.tolist()) == ([UP, DOWN], [Mover.AGENT] * 2)
        assert [int(frame.argmax()) for frame in step.frames] == [5 * 16 + 5, 6 * 16 + 5]
        client.step([UP, DOWN])
        step = client.step([UP, DOWN])
        assert (step.matches.tolist(), step.scores.tolist()) == ([1, 1], [[0, 0], [0, 0]])
        assert client.ping() >= 0
        client.pause(True)
        client.pause(False)
        assert client.step([0, 0]).points.tolist() == [0, 0]
    assert capsys.readouterr().out.splitlines()[0].endswith(f"({TOY}, lockstep, games: 2)")


def test_real_time_has_the_environments_own_speed_and_waits_for_nobody() -> None:
    with playing(lockstep=False, frameskip=3) as (client, _):
        assert not client.session.lockstep
        assert (client.session.ticks_per_second, client.session.frameskip) == (30, 3)
        step = client.step([UP])
        assert (step.rewards.tolist(), step.ticks.tolist()) == ([3], [3])  # the move was repeated
        assert client.step([DOWN]).rewards.tolist() == [-3]


def test_a_picture_may_be_drawn_and_an_episode_may_end_without_a_point() -> None:
    for name in ("Drawn", "Wide"):
        with playing(kind(name), size="20x16") as (_, step):
            assert int(step.frames[0].argmax()) % 16 == 5
    with playing(kind("Quiet")) as (client, _):
        assert [int(client.step([0]).points[0]) for _ in range(8)] == [0, 0, 0, 1, 0, 0, 0, 1]
    with playing(kind("Sums")) as (client, _):
        assert [int(client.step([0]).rewards[0]) for _ in range(5)] == [0, 0, 1, 0, 1]


def test_a_watcher_is_told_who_plays_and_that_there_is_no_court() -> None:
    with served(lockstep=False) as server, PongClient(*server.address, token="") as client:
        client.connect()
        with PongWatcher(*server.address, token="") as watcher:
            watcher.connect()
            view = watcher.watch(time.monotonic() + PATIENCE)
            assert view is not None
            assert view.status.startswith("agent connected from 127.0.0.1:")
            assert view.status.endswith(f"{TOY}, which has no court to show")


def test_the_right_paddle_is_the_games_own_and_a_token_is_asked_for() -> None:
    with served(token="secret") as server:
        with pytest.raises(RefusedError, match="has the right paddle itself here: connect as LEFT"):
            PongClient(*server.address, token="secret", role=Role.RIGHT).connect()
        with pytest.raises(RefusedError, match="token"):
            PongClient(*server.address, token="wrong").connect()
        with PongClient(*server.address, token="secret") as client:
            assert client.connect().number == 0


def test_a_move_that_the_environment_has_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with playing(kind("Pair")) as (client, _):
        assert client.step([1]).rewards.tolist() == [0]
        assert client.step([2]).rewards.tolist() == [1]
        with pytest.raises(
            ConnectionLostError, match=r"a move that is not 0 \(stay\), 1 \(up\) or 2 \(down\)"
        ):
            client.step([3])
    assert "no stay, up and down: stay and up do 0 here, and down does 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("env", "sentence"),
    [
        (kind("Nothing"), "there is no environment tests.support.toys:Nothing-v0: name one of ale-py"),
        ("no_such_module:X-v0", "needs the module no_such_module, which cannot be imported"),
        (kind("Unready"), r"Unready-v0 cannot be made \(ValueError: no\\nway!+… \(1,018 characters\)\)"),
        (kind("Blind"), "has no picture: its observations are Box"),
        (
            kind("Pale"),
            r"shows no picture but float64 of shape \(20, 16, 3\): only whole numbers from 0 to 255",
        ),
        (kind("Bare"), r"shows no picture but object of shape \(\)"),
        (kind("Smooth"), r"has actions of another kind \(Box\(.*\): only environments with discrete actions"),
    ],
)
def test_what_cannot_be_served_is_refused_in_a_sentence(env: str, sentence: str) -> None:
    with pytest.raises(PongError, match=sentence), served(env):
        pass


def test_a_module_that_fails_while_it_is_imported_is_named_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "hasty.py").write_text("1 / 0")
    (tmp_path / "leaving.py").write_text("raise SystemExit('usage')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(PongError, match=r"hasty:X-v0 cannot be made \(ZeroDivisionError: division by zero"):
        catalogue.find("hasty:X-v0", print)
    with pytest.raises(PongError, match=r"leaving:X-v0 cannot be made \(SystemExit: usage\)"):
        catalogue.find("leaving:X-v0", print)


def test_what_an_environment_says_of_itself_may_make_no_sense() -> None:
    with served(kind("Odd"), lockstep=True) as server, PongClient(*server.address, token="") as client:
        client.connect()
        rewards = [client.step([move]).rewards[0] for move in (0, 1, 2)]
    assert rewards == [0, 1, -1]  # move n is action n, since the names are of other actions


@pytest.mark.parametrize("name", ["Parent", "Needy"])
def test_an_environment_may_have_processes_and_want_to_be_drawn(name: str) -> None:
    with playing(kind(name)) as (client, _):
        assert client.step([1]).rewards[0] == 1


def test_environments_are_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_CLOSED", str(tmp_path / "closed"))
    with playing(kind("Closing")) as (client, _):
        client.step([1])
        assert not (tmp_path / "closed").exists()
    assert (tmp_path / "closed").exists()


def test_environments_that_cannot_be_served_are_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOY_CLOSED", str(tmp_path / "closed"))
    with pytest.raises(UsageError, match="not inside the picture"), served(kind("Closing"), crop="0:30,0:16"):
        pass
    assert (tmp_path / "closed").exists()


def test_an_environment_that_fails_ends_the_server_with_a_sentence() -> None:
    server = Serve(kind("Broken"), port=0, lockstep=True)
    server.start(block=False)
    with PongClient(*server.address, token="") as client:
        client.connect()
        with pytest.raises(ConnectionLostError):
            client.step([0])
    with pytest.raises(PongError, match=r"Broken-v0 failed \(RuntimeError: it is broken\)"):
        server.close()


def test_what_an_environment_prints_is_kept_from_standard_output(capfd: pytest.CaptureFixture[str]) -> None:
    """A program that starts the server reads there where it listens, and then no more: the pipe fills."""
    with playing(kind("Loud")) as (client, _):
        client.step([0])
    out, errors = capfd.readouterr()
    assert "listening on" in out
    assert "a step is made" not in out
    assert "a step is made" in errors


def test_a_game_that_is_only_starting_is_deaf_to_ctrl_c(tmp_path: Path) -> None:
    """Or each of them would write a traceback into the terminal."""
    program = tmp_path / "program.py"
    program.write_text(f"""
import os, signal
from pongrl.envs.serve import Serve
if __name__ == "__mp_main__":  # the process of a game, which imports this before it does anything
    os.kill(os.getpid(), signal.SIGINT)
if __name__ == "__main__":
    with Serve({TOY!r}, port=0) as server:
        server.start(block=False)
""")
    done = subprocess.run(
        [sys.executable, program], env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        timeout=PATIENCE,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_a_game_whose_process_dies_begins_again_and_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    with playing(kind("Mortal"), games=2) as (client, _):
        client.step([1, 1])
        step = client.step([2, 1])  # the first one's process ends
        assert (step.rewards.tolist(), step.matches.tolist()) == ([0, 1], [1, 0])
        assert step.scores.tolist() == [[0, 0], [2, 0]]
        step = client.step([1, 1])  # the second one's match is over
        assert (step.scores.tolist(), step.matches.tolist()) == ([[1, 0], [0, 0]], [1, 1])
    said = f"the process of game 1 of {kind('Mortal')} has ended with 9: a new match begins in a new process"
    assert said in caplog.messages


def test_a_game_whose_process_dies_again_and_again_ends_the_server_with_a_sentence() -> None:
    server = Serve(kind("Mortal"), port=0, lockstep=True)
    server.start(block=False)
    with PongClient(*server.address, token="") as client:
        client.connect()
        for _ in range(3):
            client.step([2])
        with pytest.raises(ConnectionLostError):
            client.step([2])
    with pytest.raises(PongError, match="has ended with 9, as 3 before it: the environment does not run"):
        server.close()


def test_a_process_that_dies_once_in_a_match_may_die_again_after_games_were_begun() -> None:
    entry = catalogue.find(kind("Mortal"), print)
    with contextlib.closing(open_emulators(entry, 1, 1, OTHER.lens)) as games:
        for _ in range(5):
            games.begin(None)
            assert list(games.step([2]).ended) == [True]


def test_a_server_ends_while_an_environment_makes_no_end_of_a_step(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    has_begun = threading.Event()

    def open_games(*arguments: Any) -> Any:
        games = open_emulators(*arguments)
        step = games.step

        def begin(actions: Sequence[int]) -> Outcome:
            has_begun.set()
            return step(actions)

        monkeypatch.setattr(games, "step", begin)
        return games

    monkeypatch.setattr(serve, "open_emulators", open_games)
    monkeypatch.setattr(emulators, "ENDING_SECONDS", 0.1)
    server = Serve(kind("Stuck"), port=0, lockstep=True)
    server.start(block=False)
    with PongClient(*server.address, token="") as client:
        client.connect()
        client.act([0])
        assert has_begun.wait(PATIENCE)
        closing = threading.Thread(target=server.close, daemon=True)
        closing.start()
        closing.join(PATIENCE)
        assert not closing.is_alive()
    assert f"game 1 of {kind('Stuck')} does not answer: its process is killed" in caplog.messages


@pytest.mark.parametrize("package", ["ale_py", "stable_retro"])
def test_a_package_that_is_missing_is_named(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import gymnasium

    monkeypatch.setitem(sys.modules, package, None)
    for name, spec in [*gymnasium.registry.items()]:
        if str(spec.entry_point).startswith("ale_py."):
            monkeypatch.delitem(gymnasium.registry, name)
    env, shown = {"ale_py": ("ALE/Pong-v5", "ale-py"), "stable_retro": ("Pong-Atari2600-v0", "stable-retro")}[
        package
    ]
    with pytest.raises(PongError, match=f"needs {shown}, which is not installed: pip install"):
        catalogue.find(env, print)
    if package == "ale_py":
        with pytest.raises(PongError, match="PongNoFrameskip-v4, and ale-py, which may have it, is not inst"):
            catalogue.find("PongNoFrameskip-v4", print)


@RETRO
def test_all_games_of_stable_retro_are_known_by_their_names() -> None:
    import stable_retro

    names = stable_retro.data.list_games(stable_retro.data.Integrations.ALL)
    assert not [name for name in names if not catalogue.RETRO_NAME.fullmatch(name)]
    with pytest.raises(PongError, match="stable-retro has no ROM of MortalKombatTrilogy-N64-v0"):
        catalogue.find("MortalKombatTrilogy-N64-v0", print)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"games": 0}, "--games must be a whole number"),
        ({"colours": "blue"}, "--colours must be flat, distance or grey, not blue"),
        ({"mirror": "maybe"}, "--mirror must be yes or no, not maybe"),
        ({"size": "big"}, "--size must be rows and columns"),
        ({"gain": 0.0}, "--gain must be from"),
        ({"headless": True, "render": True}, "--headless opens no window"),
        ({"key": "key.pem"}, "--key belongs to a --certificate"),
        ({"games": 128, "size": "128x128"}, "more than the 524,288 cells"),
        ({"actions": "NOOP,JUMP"}, "has no action JUMP for --actions: it has NOOP, UP, DOWN"),
        ({"env": kind("Pair"), "actions": "0,2"}, "has no action 2 for --actions: it has 0 to 1$"),
        ({"actions": "NOOP,,UP"}, "names with commas between them, such as NOOP,RIGHT,LEFT, not NOOP,,UP"),
        ({"crop": "0:30,0:16"}, "is not inside the picture"),
    ],
)
def test_options_that_make_no_sense_are_refused_in_a_sentence(options: Any, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence), served(**options):
        pass


def test_moves_are_stay_up_and_down_where_there_are_such_actions() -> None:
    assert actions_of(("NOOP", "FIRE", "RIGHT", "LEFT"), ()) == (0, 2, 3)
    assert actions_of(("NOOP", "FIRE", "UP", "RIGHT", "LEFT", "DOWN"), ()) == (0, 2, 5)
    assert actions_of(("NOOP", "FIRE"), ()) == ()
    assert actions_of(("A", "B"), ("B", "A", "B")) == (1, 0, 1)
    facts = Facts(("NOOP", "FIRE", "RIGHT", "LEFT"), 4, (210, 160), 60.0)
    counted = Facts((), 3, (9, 9), 60.0, first=1)
    assert buttons_of("Counted", counted, ("2", "3", "1"), OTHER)[0].actions == (1, 2, 0)
    buttons, words = buttons_of("Breakout", facts, (), OTHER)
    assert (buttons.names, buttons.fire) == (("stay", "up", "down"), 1)
    assert words.startswith("Breakout: stay, up and down do NOOP, RIGHT, LEFT, and FIRE only begins a game")
    assert buttons_of("Breakout", facts, ("NOOP", "FIRE", "LEFT"), OTHER)[1] == ""
    assert buttons_of("Pong", facts, (), PRESETS["pong"])[0].fire is None  # it serves by itself
    buttons, words = buttons_of("Chess", Facts((), 5, (9, 9), 1.0), (), OTHER)
    assert (buttons.names, buttons.actions) == (("0", "1", "2", "3", "4"), (0, 1, 2, 3, 4))
    assert words.endswith("mainmodel.py does 0, 1, 2 for them; --actions chooses what they do")
    many = Facts((), 1000, (9, 9), 1.0)
    assert buttons_of("Go", many, (), OTHER)[0].actions == tuple(range(256))  # a move is a byte
    assert buttons_of("Go", many, ("0", "500", "999"), OTHER)[0].actions == (0, 500, 999)
    buttons, words = buttons_of("Chess", Facts((), 5, (9, 9), 1.0), ("0", "4", "3"), OTHER)
    assert (buttons.names, buttons.actions, words) == (("stay", "up", "down"), (0, 4, 3), "")
    buttons, words = buttons_of("Cart", Facts((), 2, (9, 9), 1.0), (), OTHER)
    assert (buttons.names, buttons.actions) == (("stay", "up", "down"), (0, 0, 1))
    assert words.endswith("no stay, up and down: stay and up do 0 here, and down does 1")


def test_names_of_actions_may_have_blanks_between_them() -> None:
    with playing(actions="DOWN, NOOP , UP") as (client, _):
        assert [int(client.step([move]).rewards[0]) for move in (0, 1, 2)] == [-1, 0, 1]


def test_a_court_is_seen_where_frames_are_dark_and_our_paddle_is_at_the_left() -> None:
    lens = PRESETS["pong"].lens
    assert shows_court(lens)
    assert shows_court(replace(lens, colours="distance"))
    assert not shows_court(replace(lens, colours="grey"))
    assert not shows_court(replace(lens, is_mirrored=False))
    assert not shows_court(replace(lens, paddles=None))


@ALE
def test_nothing_is_known_of_a_game_that_wrappers_change(monkeypatch: pytest.MonkeyPatch) -> None:
    import gymnasium
    from gymnasium.wrappers import GrayscaleObservation

    assert preset_of(catalogue.find("ALE/Pong-v5", print)) is PRESETS["pong"]
    spec, wrapper = gymnasium.spec("ALE/Pong-v5"), GrayscaleObservation.wrapper_spec()
    grey = gymnasium.envs.registration.EnvSpec(
        "Grey-v0", spec.entry_point, kwargs=spec.kwargs, additional_wrappers=(wrapper,)
    )
    monkeypatch.setitem(gymnasium.registry, "Grey-v0", grey)
    assert preset_of(catalogue.find("Grey-v0", print)) is OTHER


def matches_begun(games: Emulators, seed: int | None) -> list[bytes]:
    """Begin, and return what all games look like a moment later."""
    games.begin(seed)
    for _ in range(100):
        games.step([0] * len(games.frames))
    return [frame.tobytes() for frame in games.frames]


@pytest.mark.parametrize(
    ("env", "is_wrapped"),
    [
        pytest.param("PongNoFrameskip-v4", False, marks=ALE),
        pytest.param("PongNoFrameskip-v4", True, marks=ALE),  # so that each game is a process
        pytest.param("Pong-Atari2600-v0", False, marks=RETRO),
    ],
)
def test_matches_differ_where_an_emulator_has_no_chance_of_its_own(env: str, is_wrapped: bool) -> None:
    """Or the likeliest moves would play one match again and again."""
    entry = replace(catalogue.find(env, print), is_wrapped=is_wrapped)
    with contextlib.closing(open_emulators(entry, 4, 1, PRESETS["pong"].lens)) as games:
        begun = matches_begun(games, 1)
        assert len(set(begun)) > 1
        assert matches_begun(games, 1) == begun
        assert matches_begun(games, None) != begun


def test_the_command_line_says_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert serve.main(["--env", kind("Nothing"), "--port", "0"]) == 2
    assert capsys.readouterr().err.startswith("error: there is no environment tests.support.toys:Nothing-v0")
    assert cli.parse(Serve, ["--env", TOY, "--size", "80x30"]).size == "80x30"
    with pytest.raises(UsageError, match="--size 50x70 is that of our own Pong"):
        Serve(TOY, size="50x70")


def test_an_agent_starts_it_as_a_local_server() -> None:
    assert training_flags(None, 2, 1, env=TOY)[-2:] == ("--env", TOY)
    with contextlib.closing(LocalServer(training_flags(None, 2, 1, env=TOY), debug=False)) as server:
        server.listen()
        with PongClient(port=server.port, token=server.token) as client:
            client.connect()
            assert client.session.games == 2


def test_standard_input_is_not_read_before_the_games_are_open(monkeypatch: pytest.MonkeyPatch) -> None:
    done = []

    def open_games(*arguments: Any) -> Any:
        done.append("games are open")
        return open_emulators(*arguments)

    def read(stop: Callable[[], None]) -> None:
        done.append("it is read")
        stop()

    monkeypatch.setattr(serve, "open_emulators", open_games)
    monkeypatch.setattr(serve, "stop_at_eof", read)
    Serve(TOY, port=0, until_eof=True).start()
    assert done == ["games are open", "it is read"]
    with pytest.raises(UsageError, match="leave it out with block=False"):
        Serve(TOY, port=0, until_eof=True).start(block=False)


# Emulators


@ALE
def test_ataris_pong_is_played_on_ales_own_vector() -> None:
    with playing("ALE/Pong-v5", games=2, seed=1) as (client, step):
        assert client.session == Session(2, 80, 30, 0, 4, 60, 21, True)
        for _ in range(150):
            step = client.step([UP, DOWN])
        for game, there, elsewhere in ((0, slice(8), slice(8, 80)), (1, slice(72, 80), slice(72))):
            assert step.frames[game, there, 0].any()  # our paddles are at the top and at the bottom
            assert not step.frames[game, elsewhere, 0].any()
        assert step.scores.sum() > 0
        seeded = step.frames
    with playing("ALE/Pong-v5", games=2, seed=1) as (client, step):
        for _ in range(150):
            step = client.step([UP, DOWN])
        np.testing.assert_array_equal(step.frames, seeded)  # by the seed


def register_atari(monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], **changes: Any) -> None:
    import gymnasium
    from gymnasium.envs.registration import EnvSpec

    spec = EnvSpec("Mine-v0", "ale_py.env:AtariEnv", kwargs=settings, **changes)
    monkeypatch.setitem(gymnasium.registry, "Mine-v0", spec)


@ALE
@pytest.mark.parametrize(
    ("settings", "changes", "is_vector"),
    [
        ({"obs_type": "rgb", "full_action_space": True}, {}, True),
        ({"frameskip": (2, 5)}, {}, False),
        ({"mode": 1}, {}, False),
        ({"difficulty": 3}, {}, False),
        ({}, {"max_episode_steps": 100}, False),
        ({}, {"additional_wrappers": ("a wrapper",)}, False),
    ],
)
def test_ales_vector_plays_only_what_it_can_play_as_registered(
    settings: dict[str, Any], changes: dict[str, Any], is_vector: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    register_atari(monkeypatch, {"game": "pong"} | settings, **changes)
    assert catalogue.find("Mine-v0", print).has_vector is is_vector


@ALE
@pytest.mark.filterwarnings("ignore:Rom nothing not supported")
def test_a_game_that_ale_has_not_is_named_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    register_atari(monkeypatch, {"game": "nothing"})
    with pytest.raises(PongError, match=r"Mine-v0 cannot be made \(.*nothing"), served("Mine-v0"):
        pass


@ALE
def test_people_see_ataris_court() -> None:
    with served("ALE/Pong-v5") as server, PongClient(*server.address, token="") as client:
        client.connect()
        with PongWatcher(*server.address, token="") as watcher:
            watcher.connect()
            until = time.monotonic() + PATIENCE
            view = None
            while view is None or view.paddles[0] > 30:  # until they have seen it go to the top
                assert time.monotonic() < until
                client.step([UP])
                view = watcher.watch(time.monotonic() + 0.1) or view
            assert view.status.endswith("ALE/Pong-v5")


@ALE
def test_a_game_with_lives_is_begun_by_fire() -> None:
    with playing("ALE/Breakout-v5", seed=1) as (client, step):
        movers = []
        for _ in range(60):
            step = client.step([0])
            movers.append(int(step.movers[0]))
        assert movers[0] == Mover.HELD
        assert Mover.HELD in movers[10:]  # after a life was lost


@RETRO
def test_stable_retro_gets_its_rom_from_ale_py_and_plays_the_same_game(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import stable_retro

    name = "Pong-Atari2600-v0"
    folder = Path(stable_retro.data.get_file_path(name, "rom.sha", stable_retro.data.Integrations.ALL)).parent
    shutil.copytree(folder, tmp_path / name, ignore=shutil.ignore_patterns("rom.a26"))
    monkeypatch.setattr(stable_retro.data, "get_file_path", lambda *_: str(tmp_path / name / "rom.sha"))
    said: list[str] = []
    assert catalogue.import_rom(name, said.append) == tmp_path / name / "rom.a26"
    assert said[0].startswith("imported a ROM for stable-retro: ")
    monkeypatch.undo()
    with playing(name, games=2) as (client, step):
        assert client.session == Session(2, 80, 30, 0, 4, 60, 21, True)
        for _ in range(20):
            step = client.step([UP, DOWN])
        assert step.frames[0, :40, 0].any()  # our paddle is at the top
        assert not step.frames[1, :40, 0].any()  # at the bottom it leaves the picture
