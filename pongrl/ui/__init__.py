"""What people look at, listen to and type into; a headless run loads none of it."""
