#!/bin/bash
# Lists for programs.
#: jq
podman run -d --name one -l tier=front -e COLOR=red busybox sleep 600 >/dev/null
podman create --name two busybox true >/dev/null
podman ps --format json | jq -r '.[].Names[0]'
podman ps -a --format json | jq -r 'sort_by(.Names[0])[] | "\(.Names[0]) \(.State) \(.Labels.tier // "-")"'
docker inspect --format '{{json .Config}}' one | jq -r '.Cmd | join(" ")'
docker inspect one | jq -r '.[0].Config.Env[]' | grep COLOR
docker inspect --format '{{json .State}}' two | jq -c '[.Status, .Running, .ExitCode]'
docker images --format '{{json .}}' | jq -r .Repository
podman rm -f -t 0 one two | sort
#> one
#> one running front
#> two created -
#> sleep 600
#> COLOR=red
#> ["created",false,0]
#> localhost/busybox
#> one
#> two
