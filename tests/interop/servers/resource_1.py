"""A resource server on the first Python SDK, for tokens of the authorization server whose issuer is the argument. It asks
that server about each token.
"""

import socket
import sys

import httpx
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.fastmcp import FastMCP

ISSUER = sys.argv[1]
CREDENTIALS = ("resource-server", "secret-of-a-fixture")

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    PORT = free.getsockname()[1]
URL = f"http://127.0.0.1:{PORT}/mcp"


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


server = FastMCP(
    "resource",
    host="127.0.0.1",
    port=PORT,
    token_verifier=Verifier(),
    auth=AuthSettings(
        issuer_url=ISSUER, resource_server_url=URL, required_scopes=["mcp:read"], validate_token_resource=True
    ),
)


@server.tool()
def read() -> str:
    """Answers those who may."""
    return "mcp:read"


server.run("streamable-http")
