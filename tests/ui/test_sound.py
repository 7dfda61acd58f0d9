"""The game's sounds, on SDL's driver that needs no loudspeaker."""

from __future__ import annotations

from typing import Any

import pytest

from pongrl.game.drawing import pygame_quietly
from pongrl.ui.sound import RATE, TONES, Sounds, square_wave

pygame = pygame_quietly()


class Tone:
    """Takes the place of pygame's Sound, and counts how often it was played."""

    def __init__(self) -> None:
        self.played = 0

    def play(self) -> None:
        self.played += 1


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Tone]:
    """Let the mixer make these tones."""
    tones: list[Tone] = []

    def make(buffer: bytes) -> Tone:
        tones.append(Tone())
        return tones[-1]

    monkeypatch.setattr(pygame.mixer, "Sound", make)
    return tones


@pytest.mark.parametrize(
    ("counts", "played"),
    [
        ([(5, 5, 5)], [0, 0, 0]),
        ([(0, 0, 0), (0, 0, 0)], [0, 0, 0]),
        ([(0, 0, 0), (1, 0, 0)], [1, 0, 0]),
        ([(0, 0, 0), (0, 1, 2), (0, 2, 2)], [0, 2, 1]),
        ([(3, 4, 5), (0, 0, 0)], [0, 0, 0]),
    ],
    ids=["first look", "nothing new", "hit", "bounces and points", "new games"],
)
def test_a_tone_is_played_when_its_count_has_grown(
    made: list[Tone], counts: list[tuple[int, ...]], played: list[int]
) -> None:
    sounds = Sounds()
    for each in counts:
        sounds.play(each)
    assert [tone.played for tone in made] == played
    sounds.close()


def test_what_was_counted_before_a_game_is_heard_is_not_played(made: list[Tone]) -> None:
    sounds = Sounds()
    sounds.play((0, 0, 0))
    sounds.forget()  # another game comes
    sounds.play((9, 9, 9))
    assert [tone.played for tone in made] == [0, 0, 0]
    sounds.close()


def test_nothing_is_played_while_it_is_muted_nor_afterwards(made: list[Tone]) -> None:
    sounds = Sounds()
    played = []
    for is_muted, counts in ((False, (0, 0, 0)), (True, (1, 1, 1)), (False, (1, 1, 1)), (False, (2, 1, 1))):
        sounds.is_muted = is_muted
        sounds.play(counts)
        played.append([tone.played for tone in made])
    assert played == [[0, 0, 0], [0, 0, 0], [0, 0, 0], [1, 0, 0]]


def test_real_tones_are_played_on_a_real_mixer(monkeypatch: pytest.MonkeyPatch) -> None:
    real = pygame.mixer.Sound
    tones: list[Any] = []

    def make(buffer: bytes) -> Any:
        tones.append(real(buffer=buffer))
        return tones[-1]

    monkeypatch.setattr(pygame.mixer, "Sound", make)
    sounds = Sounds()
    sounds.play((0, 0, 0))
    sounds.play((1, 1, 1))
    assert [tone.get_num_channels() for tone in tones] == [1, 1, 1]
    sounds.close()
    assert pygame.mixer.get_init() is None


def test_without_a_sound_device_the_game_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_AUDIODRIVER", "no such driver")
    sounds = Sounds()
    assert pygame.mixer.get_init() is None
    for count in range(3):
        sounds.play((count, count, count))
    sounds.close()


@pytest.mark.parametrize(("hertz", "seconds"), TONES)
def test_a_tone_lasts_as_long_as_it_should_and_fades_out(hertz: int, seconds: float) -> None:
    wave = memoryview(square_wave(hertz, seconds)).cast("h")
    assert len(wave) == int(RATE * seconds)
    assert abs(wave[-1]) < 100 < max(wave)
