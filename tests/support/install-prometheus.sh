#!/bin/sh
# Installs Prometheus and Alertmanager for the tests (Debian, root), without starting them as services.
set -e
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod +x "$policy"
    trap 'rm -f "$policy"' EXIT
fi
apt-get update -q
apt-get install -yq --no-install-recommends prometheus prometheus-alertmanager
