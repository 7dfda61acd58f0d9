"""The agent trained by many workers, on Ray: python -m pongrl.distributed."""
