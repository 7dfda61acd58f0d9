"""The game's sounds, made in code. Where there is no sound device the game is silent."""

from __future__ import annotations

import numpy as np

from pongrl.game.drawing import pygame_quietly
from pongrl.ui.quiet import quiet_libraries

RATE = 22_050  # samples per second
TONES = ((480, 0.04), (240, 0.04), (160, 0.25))  # hertz and seconds: paddle, wall, point


class Sounds:
    """Plays a tone for each kind of event whose count has grown."""

    def __init__(self) -> None:
        pygame = pygame_quietly()
        self._heard: tuple[int, ...] | None = None
        try:
            with quiet_libraries():
                pygame.mixer.init(RATE, size=-16, channels=1, buffer=512)
        except pygame.error:
            self._tones = []
        else:
            self._tones = [pygame.mixer.Sound(buffer=_square_wave(*tone)) for tone in TONES]

    def play(self, counts: tuple[int, ...]) -> None:
        """Play what has happened since the last call; `counts` is one number per tone."""
        if self._heard is not None:
            for tone, before, now in zip(self._tones, self._heard, counts, strict=False):
                if now > before:  # fewer: other games have begun
                    tone.play()
        self._heard = counts

    def close(self) -> None:
        """Give the device back."""
        pygame_quietly().mixer.quit()


def _square_wave(hertz: int, seconds: float) -> bytes:
    """One channel of signed 16-bit samples that fade out."""
    time = np.arange(int(RATE * seconds)) / RATE
    wave = np.sign(np.sin(2 * np.pi * hertz * time)) * np.linspace(1, 0, len(time))
    return (wave * 6000).astype(np.int16).tobytes()
