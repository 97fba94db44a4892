#!/bin/sh
# Goes on as soon as the server says that it listens, which then says nothing more.
docker run -d --name server busybox sh -c 'echo starting; usleep 200000; echo "listening on :80"; exec sleep 600' >/dev/null
docker logs -f server 2>&1 | grep -m1 listening
docker logs --tail 1 server
docker rm -f server
#> listening on :80
#> listening on :80
#> server
