"""The second Python SDK as a client. Arguments: `default`, `legacy` or a version, then the server and its
arguments, or its URL.
"""

import sys
from contextlib import asynccontextmanager

import anyio
from mcp import Client, MCPError, StdioServerParameters, stdio_client, types
from mcp.client.streamable_http import streamable_http_client
from steps import NAME, check, converse, tapped


class Adapter:
    """The calls of this SDK, by the names that the steps use."""

    Error = MCPError

    def __init__(self):
        self.client = None
        self.asked = 0
        self.changed = anyio.Event()

    async def elicit(self, context, params):
        """Answers the server's question."""
        self.asked += 1
        return types.ElicitResult(action="accept", content={"name": NAME})

    async def message(self, message):
        """Hears of everything that is no answer."""
        if isinstance(message, types.ResourceListChangedNotification):
            self.changed.set()

    async def call(self, name, arguments, progress):
        return await self.client.call_tool(name, arguments, progress_callback=progress)

    def failed(self, result):
        return result.is_error

    async def cancel(self, token):
        """This SDK cancels by itself when the waiting task is cancelled."""

    async def unknown_method(self):
        request = types.Request[types.RequestParams, str](method="no/such/method", params=types.RequestParams())
        return await self.client.session.send_request(request, types.EmptyResult)

    async def list_tools(self):
        return await self.client.list_tools()

    async def list_resources(self):
        return await self.client.list_resources(cache_mode="bypass")

    async def count_templates(self):
        return len((await self.client.list_resource_templates()).resource_templates)

    async def read(self, uri):
        return await self.client.read_resource(uri)

    async def list_prompts(self):
        return await self.client.list_prompts()

    async def get_prompt(self, name, arguments):
        return await self.client.get_prompt(name, arguments)

    async def complete(self, prompt, argument):
        return await self.client.complete(types.PromptReference(type="ref/prompt", name=prompt), argument)

    @asynccontextmanager
    async def next_change(self):
        """By subscription in the modern era; without being asked for in the legacy one."""
        if not self.client.protocol_version.startswith("2026"):
            yield self.changed.wait
            return
        async with self.client.listen(resources_list_changed=True) as subscription:
            check(subscription.honored.resources_list_changed, subscription.honored)
            yield subscription.__aiter__().__anext__


@asynccontextmanager
async def connect(seen):
    mode, program, *arguments = sys.argv[1:]
    if program.startswith("http"):
        transport = streamable_http_client(program)
    else:
        transport = stdio_client(StdioServerParameters(command=program, args=arguments))
    adapter = Adapter()
    options = {} if mode == "default" else {"mode": mode}
    async with Client(
        tapped(transport, seen),
        elicitation_callback=adapter.elicit,
        message_handler=adapter.message,
        **options,
    ) as adapter.client:
        yield adapter, adapter.client.protocol_version


anyio.run(converse, connect)
