"""Either Python SDK logs in at a server with a scripted browser. Argument: the server's URL.

It calls a tool, then one that needs another scope, and prints a line of JSON.
"""

import importlib.metadata
import json
import sys
from contextlib import AsyncExitStack
from urllib.parse import parse_qs, urljoin, urlparse

import anyio
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientMetadata

FIRST = importlib.metadata.version("mcp").startswith("1.")
if FIRST:
    import httpx
else:
    import httpx2 as httpx

URL = sys.argv[1]
CALLBACK = "http://127.0.0.1:9/callback"


class Storage:
    """Keeps everything in memory."""

    def __init__(self):
        self.tokens = None
        self.client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


class Browser:
    """A person's browser, whose user agrees to everything."""

    def __init__(self):
        self.logins = 0
        self.answer = {}

    async def open(self, url):
        self.logins += 1
        async with httpx.AsyncClient() as web:
            while not url.startswith(CALLBACK):
                response = await web.get(url)
                url = urljoin(url, response.headers["location"])
        self.answer = {name: values[0] for name, values in parse_qs(urlparse(url).query).items()}

    async def closed(self):
        if FIRST:
            return self.answer["code"], self.answer.get("state")
        from mcp.client.auth import AuthorizationCodeResult

        return AuthorizationCodeResult(**{name: self.answer.get(name) for name in ("code", "state", "iss")})


async def main():
    storage, browser = Storage(), Browser()
    metadata = OAuthClientMetadata(
        client_name="a python client",
        redirect_uris=[CALLBACK],
        grant_types=["authorization_code", "refresh_token"],
        token_endpoint_auth_method="none",
    )
    auth = OAuthClientProvider(URL, metadata, storage, browser.open, browser.closed)
    async with AsyncExitStack() as stack:
        web = await stack.enter_async_context(httpx.AsyncClient(auth=auth, timeout=30))
        if FIRST:
            from mcp import ClientSession

            read, write, _ = await stack.enter_async_context(streamable_http_client(URL, http_client=web))
            session = await stack.enter_async_context(ClientSession(read, write))
            await session.initialize()
        else:
            from mcp import Client

            session = await stack.enter_async_context(Client(streamable_http_client(URL, http_client=web)))

        async def text(tool, arguments):
            return (await session.call_tool(tool, arguments)).content[0].text

        said = await text("add", {"a": 2, "b": 40})
        first = storage.tokens.scope
        touched = await text("touch", {})
        then = storage.tokens.scope
    print(json.dumps({"sum": said, "touched": touched, "logins": browser.logins, "first": first, "then": then}))


anyio.run(main)
