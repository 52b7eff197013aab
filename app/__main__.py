import sys

from .cli import main

if __name__ == "__main__":  # the engine's process imports this file too
    sys.exit(main())
