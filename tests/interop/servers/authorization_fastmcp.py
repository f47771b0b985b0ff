"""A server on fastmcp that is its own authorization server, on the routes of the Python SDK. A login is granted without a person."""

import socket

from fastmcp import FastMCP
from fastmcp.server.auth.auth import ClientRegistrationOptions, RevocationOptions
from fastmcp.server.auth.providers.in_memory import InMemoryOAuthProvider

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    PORT = free.getsockname()[1]

auth = InMemoryOAuthProvider(
    base_url=f"http://127.0.0.1:{PORT}",
    client_registration_options=ClientRegistrationOptions(enabled=True),
    revocation_options=RevocationOptions(enabled=True),
    required_scopes=["mcp:read"],
)
server = FastMCP("alone", auth=auth)


@server.tool
def read() -> str:
    """Answers those who may."""
    return "mcp:read"


server.run("http", host="127.0.0.1", port=PORT, show_banner=False)
