//! What goes wrong over HTTP: our client against a server that lies, breaks and stalls; our server against such clients.

mod cuts;
mod endless;
mod framing;
mod headers;
mod kit;
mod secrets;
