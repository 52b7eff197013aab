"""The one error that a user can cause."""


class UserError(ValueError):
    """The input is wrong: the message names the thing, the value, what was expected and what to do.

    Commands print it as one sentence and exit with status 2; anything else that escapes a command is our fault.
    """
