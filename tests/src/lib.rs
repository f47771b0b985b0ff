//! Nothing but a home for the integration tests, which are in `it/`, by subject.
