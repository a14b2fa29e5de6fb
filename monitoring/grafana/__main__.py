"""`python -m monitoring.grafana`: write the dashboards; `--check` only looks, `--layout` prints places."""

import sys

from monitoring.grafana.written import main

sys.exit(main(sys.argv[1:]))
