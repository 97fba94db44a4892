#!/bin/sh
# What happened while a job ran.
since=$(date +%s)
docker run --name told busybox sh -c 'exit 4'
docker rm told >/dev/null
until=$(($(date +%s) + 1))
docker events --since "$since" --until "$until" --filter container=told --filter event=start --filter event=die \
	--filter event=destroy --format '{{.Type}} {{.Action}} {{.Actor.Attributes.name}}'
docker events --since "$since" --until "$until" --filter event=die --format '{{.Actor.Attributes.exitCode}}'
#> container start told
#> container die told
#> container destroy told
#> 4
