"""`python -m balancer.forecast`."""

import os
import sys

from balancer.forecast.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
