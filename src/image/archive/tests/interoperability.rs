//! Archives of skopeo, umoci, buildah and podman, and ours in their hands.
