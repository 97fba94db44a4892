#!/bin/sh
# One look at what containers use.
docker run -d --name busy busybox sleep 600 >/dev/null
docker stats --no-stream --format '{{.Name}} {{.PIDs}}' busy
docker stats --no-stream --format '{{.CPUPerc}}' busy | grep -cE '^[0-9.]+%$'
docker stats --no-stream | head -n 1 | grep -c 'CPU %'
docker system df >/dev/null && echo counted
docker rm -f busy >/dev/null
#> busy 1
#> 1
#> 1
#> counted
