//! The modern exchange: one POST, one answer.
