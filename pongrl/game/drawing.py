"""Imports pygame and OpenCV when something is drawn. The rules, and `--help`, do without them."""

from __future__ import annotations

import os
from typing import Any

from pongrl.errors import PongError


def pygame_quietly() -> Any:
    """Import pygame without the greeting that it prints."""
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    import pygame

    return pygame


def opencv() -> Any:
    """Import OpenCV.

    Raises:
        PongError: it cannot be loaded. The build with windows needs libraries that only a desktop has.
    """
    try:
        import cv2
    except ModuleNotFoundError as error:
        raise PongError(f"OpenCV cannot be loaded ({error}): pip install -r requirements.txt") from error
    except ImportError as error:
        raise PongError(
            f"OpenCV cannot be loaded ({error}): on Debian, sudo apt install libgl1 libglib2.0-0; "
            "elsewhere, pip uninstall opencv-python, then pip install opencv-python-headless"
        ) from error
    return cv2
