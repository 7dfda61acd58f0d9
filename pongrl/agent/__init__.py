"""The agent: it connects to games, plays, learns, and keeps files."""
