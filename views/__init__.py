"""What people look at, listen to and type into: optional at run time, never loaded by a headless run."""
