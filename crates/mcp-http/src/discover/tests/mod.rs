//! The pure parts of the search: the table, and the list of candidates.

mod candidates;
mod table;
mod time;
