"""The agent: it connects to games, plays, learns, and keeps files.

A reader who wants to know how it learns begins at `learning`.
"""
