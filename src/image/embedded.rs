//! The image `hello` that comes with this program.

/// Its name. Short names find it, but after every image that a user has called `hello`.
pub const HELLO: &str = "localhost/coracle/hello:latest";
