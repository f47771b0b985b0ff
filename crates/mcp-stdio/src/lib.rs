//! MCP over stdio and any other byte stream.
