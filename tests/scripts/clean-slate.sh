#!/bin/sh
# A job that wants nothing of the one before it, and leaves nothing.
set -eu
docker ps -aq | xargs -r docker rm -f >/dev/null
for n in a b c; do
	docker run -d --name "job-$n" --label job=1 busybox sleep 600 >/dev/null
done
docker ps -q --filter label=job=1 | wc -l
docker stop -t 0 job-b >/dev/null
docker ps -aq --filter status=exited | xargs -r docker rm | wc -l
docker ps -aq | xargs -r docker rm -f | wc -l
docker ps -aq | xargs -r docker rm -f
[ -z "$(docker ps -aq)" ] && echo clean
#> 3
#> 1
#> 2
#> clean
