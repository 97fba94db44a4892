#!/bin/bash
# Waits for a database that takes a moment.
set -euo pipefail
trap 'docker rm -f db >/dev/null' EXIT
docker run -d --name db --health-cmd 'test -e /ready' --health-interval 200ms --health-retries 200 \
	busybox sh -c 'usleep 300000; touch /ready; exec sleep 600' >/dev/null
tries=0
until [ "$(docker inspect -f '{{.State.Health.Status}}' db)" == "healthy" ]; do
	tries=$((tries + 1))
	if [ $tries -gt 150 ]; then
		docker inspect --format '{{json .State.Health}}' db >&2
		exit 1
	fi
	sleep 0.2
done
docker inspect -f '{{.State.Health.Status}} after {{len .State.Health.Log | lt 0}}' db
docker ps --filter health=healthy --format '{{.Names}}'
#> healthy after true
#> db
