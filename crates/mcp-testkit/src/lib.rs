//! For tests: the compliance kit for transports, a conversation, faults, a simulated link, transcripts.
//!
//! Behind the feature `testkit`. What stands here panics freely where a test is wrong; nothing of it
//! belongs in a program.

pub mod broken;
pub mod compliance;
pub mod conversation;
pub mod fault;
pub mod sim;
pub mod transcript;
