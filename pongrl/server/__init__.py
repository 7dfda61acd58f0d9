"""The server: it plays the games and serves an agent at each paddle."""
