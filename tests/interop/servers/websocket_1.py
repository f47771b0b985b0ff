"""The server on the first Python SDK over its own WebSocket transport. Prints the port it listens on.

Needs the packages of requirements-1.lock.
"""

import socket
import warnings

import anyio
import uvicorn
from mcp.server.lowlevel import NotificationOptions
from mcp.server.websocket import websocket_server
from server_1 import server
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute

# The SDK says that this transport goes with its second version.
warnings.simplefilter("ignore", DeprecationWarning)


async def endpoint(websocket):
    """One connection is one session."""
    inner = server._mcp_server
    options = inner.create_initialization_options(NotificationOptions(tools_changed=True))
    async with websocket_server(websocket.scope, websocket.receive, websocket.send) as (read, write):
        await inner.run(read, write, options)


async def main():
    """Serves until it is killed."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    app = Starlette(routes=[WebSocketRoute("/", endpoint)])
    await uvicorn.Server(uvicorn.Config(app, log_level="error")).serve([listener])


if __name__ == "__main__":
    anyio.run(main)
