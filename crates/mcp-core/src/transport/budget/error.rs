//! The error of an exhausted budget.

use std::fmt;

/// The scope in which a budget is exhausted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FullScope {
    /// One link holds its whole share. It must release another permit first.
    Link,
    /// One owner holds its whole share, over all its links.
    Owner,
    /// The server is full. No owner gets a permit.
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

/// Why a permit was refused. The text names the limit, and is meant for the peer or a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Full {
    /// The name of the budget.
    pub name: &'static str,
    /// The exhausted scope.
    pub scope: FullScope,
    /// The exhausted unit.
    pub unit: Unit,
    /// The amount that the scope held.
    pub held: u64,
    /// The most that the scope could hold at that moment.
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
