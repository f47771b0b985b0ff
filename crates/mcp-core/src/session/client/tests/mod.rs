//! The client session, by subject.
