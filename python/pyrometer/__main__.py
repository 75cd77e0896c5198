"""`python -m pyrometer` is the native executable, which takes this process's place."""

from __future__ import annotations

import os
import sys

from pyrometer import _executable
from pyrometer._errors import Error


def main() -> None:
    try:
        executable = _executable.find()
    except Error as error:
        sys.exit(f"error: {error}")
    os.execv(executable, [executable, *sys.argv[1:]])


if __name__ == "__main__":
    main()
