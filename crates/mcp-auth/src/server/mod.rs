//! Protecting an MCP server: protected-resource metadata, challenges, tokens and scopes.
