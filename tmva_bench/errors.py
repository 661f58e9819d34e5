"""What can go wrong for a user: one error type a kind, each carrying one clear line."""

import difflib


class UserError(Exception):
    """Something the user did wrong or can cure; the command line prints it as one line, exit code 2."""


class Unavailable(Exception):
    """A method cannot run in this environment.

    Attributes:
        reason: why it cannot run, one line.
        cure: what the user can do about it, one line.
    """

    def __init__(self, reason: str, cure: str) -> None:
        super().__init__(f"{reason}; {cure}")
        self.reason = reason
        self.cure = cure


class TrainingFailed(Exception):
    """A method ran, but gave nothing that may be called a result; the text is the reason, one line."""


def unknown(kind: str, value: object, known: "list[str]") -> UserError:
    """The error for a name that is not known, with the nearest known one, whatever the case.

    Args:
        kind: what the name stands for, e.g. ``"method"``.
        value: what the user wrote.
        known: the names that exist.
    """
    by_case = {name.lower(): name for name in known}
    near = difflib.get_close_matches(str(value).lower(), list(by_case), n=1)
    hint = f"; did you mean {by_case[near[0]]!r}?" if near else ""
    return UserError(f"unknown {kind} {value!r}{hint} (known: {', '.join(known)})")
