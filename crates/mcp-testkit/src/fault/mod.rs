//! Fault injection: wrappers for byte streams ([`Trickle`], [`CutAfter`], [`Valve`]) and for links
//! ([`Dropping`], [`Cut`]).

mod io;
mod link;
#[cfg(test)]
mod tests;

pub use io::{CutAfter, Trickle, Valve, ValveHandle};
pub(crate) use link::DroppingReceiver;
pub use link::{Cut, Dropping};
