"""The subcommands: ``add_arguments(parser)`` and ``run(args) -> dict``, the JSON object of ``--json``."""
