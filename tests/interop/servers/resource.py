"""A resource server on either Python SDK, for tokens of the authorization server whose issuer is the argument. It asks
that server about each token.
"""

import importlib.metadata
import socket
import sys

from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings

FIRST = importlib.metadata.version("mcp").startswith("1.")
if FIRST:
    import httpx
    from mcp.server.fastmcp import FastMCP as Server
else:
    import httpx2 as httpx
    from mcp.server import MCPServer as Server

ISSUER = sys.argv[1]
CREDENTIALS = ("resource-server", "secret-of-a-fixture")

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    PLACE = {"host": "127.0.0.1", "port": free.getsockname()[1]}
URL = f"http://{PLACE['host']}:{PLACE['port']}/mcp"


class Verifier:
    """Asks the authorization server."""

    async def verify_token(self, token):
        async with httpx.AsyncClient() as web:
            answer = await web.post(f"{ISSUER}/token/introspection", data={"token": token}, auth=CREDENTIALS)
        known = answer.json()
        if not known["active"]:
            return None
        return AccessToken(
            token=token, client_id=known["client_id"], scopes=known["scope"].split(), expires_at=known["exp"],
            resource=known["aud"],
        )


# Only the first one is told here where it listens.
server = Server(
    "resource",
    token_verifier=Verifier(),
    auth=AuthSettings(
        issuer_url=ISSUER, resource_server_url=URL, required_scopes=["mcp:read"], validate_token_resource=True
    ),
    **(PLACE if FIRST else {}),
)


@server.tool()
def read() -> str:
    """Answers those who may."""
    return "mcp:read"


server.run("streamable-http", **({} if FIRST else PLACE))
