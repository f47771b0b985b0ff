//! Logging in to MCP servers: discovery, registration, grants, refresh and stores.
