//! System calls over owned descriptors: the only place with `unsafe`.
#![allow(unsafe_code)]
