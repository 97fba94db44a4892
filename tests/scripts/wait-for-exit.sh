#!/bin/sh
# Runs a job in the background and ends with its code.
id=$(docker run -d busybox sh -c 'echo working; echo trouble >&2; exit 3') || exit 99
code=$(docker wait "$id")
docker logs "$id" 2>/dev/null
docker logs "$id" 2>&1 >/dev/null
echo "exit code: $code"
docker inspect --format='{{.State.ExitCode}} {{.State.Running}}' "$id"
docker rm "$id" >/dev/null && exit "$code"
#> working
#> trouble
#> exit code: 3
#> 3 false
#? 3
