//! Who may talk to a server: decisions about headers, as data. No I/O.

pub(crate) mod bearer;
pub(crate) mod cors;
pub(crate) mod host;
