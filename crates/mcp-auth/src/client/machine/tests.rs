//! Flows against scripted servers.
