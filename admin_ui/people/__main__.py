"""`python -m admin_ui.people`: who may log in."""

import os
import sys
from pathlib import Path

from admin_ui.people.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(os.environ.get("DATA_DIR") or "data")))
