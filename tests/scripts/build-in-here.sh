#!/bin/bash
# A build step in the current directory; what it makes belongs to whoever calls.
#: root
set -eu
mkdir -p src && echo 'hello' >src/input
docker run --rm -v "$PWD:/w" -w /w -u "$(id -u):$(id -g)" -e CI=true --network none busybox \
	sh -c 'tr a-z A-Z <src/input >output && pwd && echo "CI=$CI"'
cat output
[ "$(stat -c %u output)" = "$(id -u)" ] && echo mine
#> /w
#> CI=true
#> HELLO
#> mine
