//! Tests of whole bridges: real clients and servers over links in memory, on a virtual clock.

mod along;
mod bytes;
mod changes;
mod following;
mod life;
mod matrix;
mod parking;
mod replaced;
mod reports;
mod schemas;
mod setup;
mod slow;
mod spans;
mod translated;
mod unasked;
mod undeclared;
