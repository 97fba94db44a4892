#!/bin/sh
# Remembers what it has started in a file, which must not be there.
rm -f run.cid
docker run -d --cidfile run.cid --stop-timeout 0 busybox sleep 600 >/dev/null || exit 1
[ "$(wc -c <run.cid)" = 64 ] && echo whole
docker run --rm --cidfile run.cid busybox true 2>/dev/null || echo "refused: $?"
docker ps -q --no-trunc | grep -qxF "$(cat run.cid)" && echo runs
docker stop "$(cat run.cid)" >/dev/null && docker rm "$(cat run.cid)" >/dev/null && rm run.cid
docker ps -aq
#> whole
#> refused: 125
#> runs
