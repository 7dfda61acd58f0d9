"""The wire between a game server and its agents: both ends, and nothing of Pong or of learning."""
