"""A resource server on fastmcp, for tokens of the authorization server whose issuer is the argument. It asks that server
about each token.
"""

import socket
import sys

from fastmcp import FastMCP
from fastmcp.server.auth import RemoteAuthProvider
from fastmcp.server.auth.providers.introspection import IntrospectionTokenVerifier

ISSUER = sys.argv[1]

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    PORT = free.getsockname()[1]
BASE = f"http://127.0.0.1:{PORT}"

verifier = IntrospectionTokenVerifier(
    introspection_url=f"{ISSUER}/token/introspection",
    client_id="resource-server",
    client_secret="secret-of-a-fixture",
    required_scopes=["mcp:read"],
    audience=f"{BASE}/mcp",
)
server = FastMCP("resource", auth=RemoteAuthProvider(verifier, [ISSUER], base_url=BASE))


@server.tool
def read() -> str:
    """Answers those who may."""
    return "mcp:read"


server.run("http", host="127.0.0.1", port=PORT, show_banner=False)
