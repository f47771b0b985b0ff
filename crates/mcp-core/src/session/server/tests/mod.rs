//! The server session by subject.
