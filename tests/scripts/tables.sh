#!/bin/sh
# Lists for people.
docker run -d --name one busybox sleep 600 >/dev/null
docker create --name two busybox true >/dev/null
docker ps --format '{{.Names}}\t{{.Status}}' | sed 's/Up .*/Up/'
docker ps -a --format 'table {{.Names}}\t{{.Image}}' | sort
docker ps -a --filter name=two --format '{{.Names}}: {{.Status}}'
docker ps -l -q | wc -l
docker port one
docker inspect -f '{{range $i, $w := .Config.Cmd}}{{if $i}} {{end}}{{$w}}{{end}}' one
docker inspect -f '{{.Name}} {{if .State.Running}}up{{else}}down{{end}}' one two | sed 's,^/,,'
docker rm -f one two >/dev/null
#> one	Up
#> NAMES     IMAGE
#> one       localhost/busybox:latest
#> two       localhost/busybox:latest
#> two: Created
#> 1
#> sleep 600
#> one up
#> two down
