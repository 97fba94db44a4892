#!/bin/bash
# The words that only podman has.
set -u
podman container exists box || echo "exists: $?"
podman run -dt --name box --replace busybox sleep 600 >/dev/null
podman container exists box && echo there
podman wait --condition running box
podman container inspect box --format '{{.State.Status}} {{.HostConfig.LogConfig.Type}}' | cut -d ' ' -f 1
podman run -d --replace --name box busybox sleep 600 >/dev/null
podman ps --noheading --filter name=^box$ | wc -l
podman stop -t 0 --ignore box nosuch | head -n 1
podman wait box
podman logs nosuch 2>/dev/null; echo "logs: $?"
podman rm --all --force --time 0 >/dev/null
podman container prune -f >/dev/null
#> exists: 1
#> there
#> -1
#> running
#> 1
#> box
#> 137
#> logs: 125
