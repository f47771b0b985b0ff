//! What goes wrong over HTTP: our client against a server that lies, breaks and stalls; our server against such clients.

mod authorize;
mod calls;
mod crowd;
mod cuts;
mod departures;
mod endless;
mod framing;
mod headers;
mod held;
mod hostile_clients;
pub(crate) mod kit;
pub(crate) mod log;
mod secrets;
