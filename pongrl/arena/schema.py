"""The tables of an arena's file."""

from __future__ import annotations

VERSION = 1  # of the file
APPLICATION = 0x506F6E67  # "Pong", in the file's header

SCHEMA = f"""
CREATE TABLE players (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    key TEXT NOT NULL UNIQUE,           -- the name, with small and large letters alike
    kind TEXT NOT NULL,
    owner BLOB UNIQUE,                  -- hash of the identity to which the name belongs; NULL if to nobody
    mu REAL NOT NULL,
    sigma REAL NOT NULL,
    won INTEGER NOT NULL DEFAULT 0,
    drawn INTEGER NOT NULL DEFAULT 0,
    lost INTEGER NOT NULL DEFAULT 0,
    points_won INTEGER NOT NULL DEFAULT 0,
    points_lost INTEGER NOT NULL DEFAULT 0,
    answers INTEGER NOT NULL DEFAULT 0,
    late INTEGER NOT NULL DEFAULT 0,
    answer_seconds REAL NOT NULL DEFAULT 0
);
CREATE TABLE matches (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    begun REAL NOT NULL,                -- seconds since 1970
    seconds REAL NOT NULL,              -- that it took
    seed INTEGER NOT NULL,
    ticks INTEGER NOT NULL,
    left INTEGER NOT NULL REFERENCES players,
    right INTEGER NOT NULL REFERENCES players,
    left_points INTEGER NOT NULL,
    right_points INTEGER NOT NULL,
    winner INTEGER,                     -- 0 is left, 1 is right, NULL a draw
    ended TEXT NOT NULL,
    left_answers INTEGER NOT NULL,
    right_answers INTEGER NOT NULL,
    left_late INTEGER NOT NULL,
    right_late INTEGER NOT NULL,
    left_answer_seconds REAL NOT NULL,
    right_answer_seconds REAL NOT NULL,
    final INTEGER NOT NULL              -- 1 if it belongs to the final of a season
);
CREATE INDEX finals ON matches (final, id);
CREATE TABLE pairs (                    -- tallies, from the first player's side; each pair is here both ways
    one INTEGER NOT NULL REFERENCES players,
    other INTEGER NOT NULL REFERENCES players,
    won INTEGER NOT NULL DEFAULT 0,
    drawn INTEGER NOT NULL DEFAULT 0,
    lost INTEGER NOT NULL DEFAULT 0,
    final INTEGER NOT NULL DEFAULT 0,   -- matches of the final among them
    PRIMARY KEY (one, other)
) WITHOUT ROWID;
CREATE TABLE recordings (
    match INTEGER PRIMARY KEY REFERENCES matches,
    views BLOB NOT NULL
);
CREATE TABLE season (                   -- one row
    final INTEGER NOT NULL              -- matches of each pair in the final; 0 while the season is open
);
INSERT INTO season VALUES (0);
PRAGMA user_version = {VERSION};
PRAGMA application_id = {APPLICATION};
"""
