"""The one error that operating an emulator raises: what went wrong and what to do about it."""

from __future__ import annotations


class EmulatorError(Exception):
    """The emulator cannot do what was asked. `message` is a sentence, `hint` the fix; both may be shown."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
