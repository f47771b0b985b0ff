//! The provider against scripted servers.
