#!/bin/sh
# An entrypoint that passes signals on and cleans up.
set -e
cat >entry.sh <<'END'
#!/bin/sh
finish() { echo "stopping $1"; kill "$child" 2>/dev/null; wait "$child"; exit 0; }
trap 'finish TERM' TERM
trap 'finish INT' INT
"$@" &
child=$!
echo "started: $*"
wait "$child"
END
chmod 755 entry.sh
docker run -d --name app -v "$PWD/entry.sh:/usr/local/bin/entry.sh:ro" --entrypoint /usr/local/bin/entry.sh busybox sleep 600 >/dev/null
until docker logs app 2>&1 | grep -q '^started'; do sleep 0.1; done
docker stop app
docker logs app
docker inspect -f '{{.State.ExitCode}}' app
docker start app >/dev/null
until [ "$(docker logs app | grep -c '^started')" = 2 ]; do sleep 0.1; done
docker kill -s INT app
docker wait app
docker rm app
#> app
#> started: sleep 600
#> stopping TERM
#> 0
#> app
#> 0
#> app
