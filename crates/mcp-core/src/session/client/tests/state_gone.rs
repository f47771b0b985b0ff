//! state_gone
