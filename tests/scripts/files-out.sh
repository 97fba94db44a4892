#!/bin/sh
# Files of an image without running it, and what a run has changed.
set -e
docker create --name files busybox sh -c 'echo new >/made' >/dev/null
docker export files | tar -t | grep -x 'bin/busybox'
docker start -a files
docker diff files | grep made
docker export files | tar -xO made
docker rm files >/dev/null
#> bin/busybox
#> A /made
#> new
