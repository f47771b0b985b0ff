//! Which hosts, origins and callers a server lets in: decisions over headers, without I/O.

pub(crate) mod authenticate;
pub(crate) mod bearer;
pub(crate) mod cors;
pub(crate) mod host;
pub(crate) mod origin;
