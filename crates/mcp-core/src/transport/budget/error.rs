//! A budget that is full.

use std::fmt;

/// The scope of a budget that has no more to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FullScope {
    /// One link holds its share. Its other permits have to be given back first.
    Link,
    /// One owner holds its share, over all its links.
    Owner,
    /// The server is full, for everybody.
    Server,
}

/// What a budget counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unit {
    /// Places: requests, sessions, streams.
    Places,
    /// Bytes.
    Bytes,
}

/// Why a permit was not given. The text names the limit, for an error that reaches the peer or a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Full {
    /// The name of the budget.
    pub name: &'static str,
    /// The scope that is full.
    pub scope: FullScope,
    /// What it is out of.
    pub unit: Unit,
    /// What the scope held.
    pub held: u64,
    /// What the scope could hold at that moment.
    pub limit: u64,
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Full { name, held, limit, .. } = self;
        let unit = match self.unit {
            Unit::Places => "places",
            Unit::Bytes => "bytes",
        };
        let scope = match self.scope {
            FullScope::Link => "one link",
            FullScope::Owner => "one caller",
            FullScope::Server => "this server",
        };
        write!(f, "the limit \"{name}\" is reached: {held} of {limit} {unit} for {scope}")
    }
}

impl std::error::Error for Full {}
