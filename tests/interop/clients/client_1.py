"""The first Python SDK as a client: the legacy era only. Arguments: the program of the server and its arguments,
or its URL; one that ends in /sse means HTTP+SSE.
"""

import sys
from contextlib import asynccontextmanager

import anyio
from mcp import ClientSession, McpError, StdioServerParameters, types
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from pydantic import AnyUrl
from steps import NAME, converse, tapped


class Adapter:
    """The calls of this SDK, by the names that the steps use."""

    Error = McpError
    sends_known_methods = True

    def __init__(self):
        self.session = None
        self.asked = 0
        self.changed = anyio.Event()

    async def elicit(self, context, params):
        """Answers the server's question."""
        self.asked += 1
        return types.ElicitResult(action="accept", content={"name": NAME})

    async def message(self, message):
        """Hears of everything that is no answer."""
        if isinstance(message, types.ServerNotification):
            if isinstance(message.root, types.ResourceListChangedNotification):
                self.changed.set()

    async def call(self, name, arguments, progress):
        return await self.session.call_tool(name, arguments, progress_callback=progress)

    def failed(self, result):
        return result.isError

    async def cancel(self, token):
        # This SDK does not cancel by itself. Its progress tokens are the ids of its requests.
        params = types.CancelledNotificationParams(requestId=token)
        note = types.CancelledNotification(method="notifications/cancelled", params=params)
        await self.session.send_notification(types.ClientNotification(note))

    async def unknown_method(self):
        # This SDK sends only what it knows; a server without tasks does not know this one.
        request = types.ListTasksRequest(method="tasks/list")
        return await self.session.send_request(types.ClientRequest(request), types.EmptyResult)

    async def list_tools(self):
        return await self.session.list_tools()

    async def list_resources(self):
        return await self.session.list_resources()

    async def count_templates(self):
        return len((await self.session.list_resource_templates()).resourceTemplates)

    async def read(self, uri):
        return await self.session.read_resource(AnyUrl(uri))

    async def list_prompts(self):
        return await self.session.list_prompts()

    async def get_prompt(self, name, arguments):
        return await self.session.get_prompt(name, arguments)

    async def complete(self, prompt, argument):
        reference = types.PromptReference(type="ref/prompt", name=prompt)
        return await self.session.complete(reference, argument)

    @asynccontextmanager
    async def next_change(self):
        """Changes are told without being asked for."""
        yield self.changed.wait


@asynccontextmanager
async def over_http(url):
    """The streams alone: this SDK gives a function for the session's id beside them."""
    async with streamable_http_client(url) as (read, write, _):
        yield read, write


def transport():
    """What the arguments name."""
    target = sys.argv[1]
    if not target.startswith("http"):
        return stdio_client(StdioServerParameters(command=target, args=sys.argv[2:]))
    return sse_client(target) if target.endswith("/sse") else over_http(target)


@asynccontextmanager
async def connect(seen):
    adapter = Adapter()
    async with tapped(transport(), seen) as (read, write):
        async with ClientSession(
            read, write, elicitation_callback=adapter.elicit, message_handler=adapter.message
        ) as adapter.session:
            result = await adapter.session.initialize()
            yield adapter, result.protocolVersion


anyio.run(converse, connect)
