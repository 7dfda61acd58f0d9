"""The game's sounds, made in code. Without a sound device the game is silent."""

from __future__ import annotations

from typing import Any

import numpy as np

from pongrl.game.drawing import pygame_quietly
from pongrl.ui.quiet import quiet_libraries

RATE = 22_050  # samples per second
TONES = ((480, 0.04), (240, 0.04), (160, 0.25))  # hertz and seconds: paddle, wall, point
LOUDNESS = 6000  # of 32,767


class Sounds:
    """One tone for each kind of event, played when its event's count has grown, unless `is_muted`."""

    def __init__(self) -> None:
        pygame = pygame_quietly()
        self.is_muted = False
        self._heard: tuple[int, ...] | None = None
        self._tones: list[Any] = []  # stays empty without a sound device
        try:
            with quiet_libraries():  # without changes: a mixer of another rate would play the tones faster
                pygame.mixer.init(RATE, size=-16, channels=1, buffer=512, allowedchanges=0)
        except pygame.error:
            return
        self._tones = [pygame.mixer.Sound(buffer=square_wave(*tone)) for tone in TONES]

    def play(self, counts: tuple[int, ...]) -> None:
        """Play the tones of all events since the last call; `counts` has one number for each of TONES."""
        if self._heard is not None and not self.is_muted:
            for tone, before, now in zip(self._tones, self._heard, counts, strict=False):
                if now > before:  # a smaller count means that new games have begun
                    tone.play()
        self._heard = counts

    def forget(self) -> None:
        """Forget what was counted: the next counts are of another game."""
        self._heard = None

    def close(self) -> None:
        """Release the sound device."""
        pygame_quietly().mixer.quit()


def square_wave(hertz: int, seconds: float) -> bytes:
    """Make a tone that fades out: one channel of signed 16-bit samples."""
    time = np.arange(int(RATE * seconds)) / RATE
    wave = np.sign(np.sin(2 * np.pi * hertz * time)) * np.linspace(1, 0, len(time))
    return (wave * LOUDNESS).astype(np.int16).tobytes()
