//! The types against the specification's own examples, and the cases that break others.
