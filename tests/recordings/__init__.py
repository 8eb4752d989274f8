"""The emulator held to recorded traffic of Azure: `python -m tests.recordings DIR [--json]`."""
