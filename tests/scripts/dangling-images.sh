#!/bin/sh
# Images that lost their names to younger ones.
mkdir -p tree/one tree/two
for name in one two; do
	tar -C tree/$name -c . | docker import -q - nightly >/dev/null
	touch tree/two/more
done
docker images -q -f dangling=true | wc -l
docker images -q -f dangling=true | xargs docker rmi >/dev/null
docker images -q -f dangling=true | wc -l
docker images --format '{{.Tag}}' nightly
docker rmi nightly >/dev/null
#> 1
#> 0
#> latest
