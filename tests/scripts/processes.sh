#!/bin/sh
# What runs in there.
docker run -d --name box busybox sh -c 'sleep 601 & exec sleep 602' >/dev/null
until docker top box 2>/dev/null | grep -q '[s]leep 601'; do sleep 0.1; done
docker top box | head -n 1 | grep -c PID
docker top box -eo args | grep -c '^sleep 60'
docker exec box ps -o args | grep '[s]leep 601'
docker inspect -f '{{.State.Pid}}' box | xargs -I{} test -d /proc/{} && echo "on the host"
docker rm -f box >/dev/null
#> 1
#> 2
#> sleep 601
#> on the host
