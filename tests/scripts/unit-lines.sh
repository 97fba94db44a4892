#!/bin/bash
# What the lines of a unit do: ExecStartPre=-, ExecStart, ExecReload, ExecStop, ExecStopPost=-.
docker rm -f web.service >/dev/null 2>&1
docker run --rm --name web.service --log-driver none busybox \
	sh -c 'trap "echo reloaded" HUP; trap "exit 0" TERM; echo up; while :; do sleep 0.1; done' >log & main=$!
until grep -q up log; do sleep 0.1; done
docker kill -s HUP web.service
until grep -q reloaded log; do sleep 0.1; done
docker stop -t 5 web.service
wait $main; echo "main ended with $?"
docker rm -f web.service 2>/dev/null
docker ps -aq --filter name=web.service | wc -l
#> web.service
#> web.service
#> main ended with 0
#> 0
