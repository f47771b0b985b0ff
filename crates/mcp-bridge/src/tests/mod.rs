//! Tests of whole bridges: real clients and servers over links in memory, on a virtual clock.

mod bytes;
mod changes;
mod life;
mod matrix;
mod parking;
mod setup;
mod translated;
