#!/bin/sh
# An image from one stage of a pipeline to the next, as a file and through a pipe.
set -e
docker tag busybox demo:1
id=$(docker inspect -f '{{.Id}}' demo:1)
docker save -o demo.tar demo:1
docker rmi demo:1 >/dev/null
docker load -q -i demo.tar >/dev/null
docker save demo:1 | gzip -1 >demo.tgz
docker rmi demo:1 >/dev/null
docker image inspect demo:1 >/dev/null 2>&1 || echo gone
docker load <demo.tgz >/dev/null
[ "$(docker inspect -f '{{.Id}}' demo:1)" = "$id" ] && echo same
docker run --rm demo:1 echo runs
docker rmi demo:1 >/dev/null
#> gone
#> same
#> runs
