//! The client session, by subject.

mod calls;
mod cancel;
mod departures;
mod durations;
mod era;
mod era_refusals;
mod era_rows;
mod garbage;
mod gateway;
mod handshake;
mod harness;
mod ids;
mod input;
mod input_modern;
mod keepalive;
mod listen;
mod modern;
mod properties;
mod redial;
mod state_gone;
mod timeout;
