#!/bin/bash
# Runs that must not take for ever.
timeout 1 docker run --rm --init --name slow busybox sleep 600
echo "timeout: $?"
timeout 60 docker run --rm busybox sh -c 'exit 6'
echo "in time: $?"
docker run --rm --init busybox timeout 1 sleep 600
echo "inside: $?"
until [ -z "$(docker ps -aq)" ]; do sleep 0.1; done
echo nothing left
#> timeout: 124
#> in time: 6
#> inside: 143
#> nothing left
