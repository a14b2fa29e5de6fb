"""`python -m admin_ui.audit verify`: checks the audit log of a console that is stopped."""

import os
import sys
from pathlib import Path

from admin_ui.audit.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(os.environ.get("DATA_DIR") or "data")))
