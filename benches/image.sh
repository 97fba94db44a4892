# Images to measure loading with, sourced after place.sh: tars in $place/layers, archives of them in $place.

megabytes=${MEGABYTES:-1000}
files=${FILES:-40000}

digest() { sha256sum "$1" | cut -d' ' -f1; }

# make_layers: the five tars of the large image.
make_layers() {
	mkdir -p "$place/layers"
	rustc --edition 2024 -O -o "$place/bin/layers" "$repository/benches/layers.rs"
	say "making an image of $megabytes MB"
	"$place/bin/layers" "$place/layers" 5 "$files" "$megabytes"
}

# make_many: an image of a hundred layers of a quarter of a megabyte above one that has a program.
make_many() {
	rm -f "$place"/layers/*.tar
	"$place/bin/layers" "$place/layers" 100 2000 25
	mv "$place/layers/0.tar" "$place/layers/00.tar"
	cp "$place/root.tar" "$place/layers/0.tar"
	make_image gzip many
}

# make_image COMPRESSION [NAME]: an OCI archive of the tars in $place/layers, $place/image-COMPRESSION.tar, tagged
# localhost/NAME:latest.
make_image() {
	layout=$place/layout-$1
	rm -rf "$layout"
	mkdir -p "$layout/blobs/sha256"
	layers=
	for tar in "$place"/layers/*.tar; do
		case $1 in
		gzip) gzip -6 -n -c "$tar" >"$place/blob" ;;
		zstd) zstd -q -3 -c "$tar" >"$place/blob" ;;
		esac
		sum=$(digest "$place/blob")
		size=$(stat -c %s "$place/blob")
		mv "$place/blob" "$layout/blobs/sha256/$sum"
		layers="$layers${layers:+,}{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+$1\",\"digest\":\"sha256:$sum\",\"size\":$size}"
	done
	diff_ids=
	for tar in "$place"/layers/*.tar; do
		diff_ids="$diff_ids${diff_ids:+,}\"sha256:$(digest "$tar")\""
	done
	architecture=amd64
	[ "$(uname -m)" != aarch64 ] || architecture=arm64
	printf '{"architecture":"%s","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[%s]}}' "$architecture" "$diff_ids" >"$place/blob"
	config=$(digest "$place/blob")
	config_size=$(stat -c %s "$place/blob")
	mv "$place/blob" "$layout/blobs/sha256/$config"
	printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%s","size":%s},"layers":[%s]}' \
		"$config" "$config_size" "$layers" >"$place/blob"
	manifest=$(digest "$place/blob")
	manifest_size=$(stat -c %s "$place/blob")
	mv "$place/blob" "$layout/blobs/sha256/$manifest"
	printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%s,"annotations":{"org.opencontainers.image.ref.name":"localhost/%s:latest"}}]}' \
		"$manifest" "$manifest_size" "${2:-big}" >"$layout/index.json"
	printf '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
	tar -C "$layout" -cf "$place/image-$1.tar" oci-layout index.json blobs
}

# cleaner NAME COMMANDS: a script that empties a store and lets the disk settle, run before each turn.
cleaner() {
	printf '#!/bin/sh\n%s\nsync -f %s\n' "$2" "$place" >"$place/clean-$1"
	chmod +x "$place/clean-$1"
	echo "$place/clean-$1"
}
