"""fastmcp as a client. Arguments: the server and its arguments, or its URL."""

import sys
from contextlib import asynccontextmanager

import anyio
from fastmcp import Client
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport
from mcp import MCPError, types
from steps import NAME, converse


class Adapter:
    """The calls of fastmcp, by the names that the steps use."""

    Error = MCPError
    # The steps that are left out; the driver knows why.
    cannot = ("cancel", "listen")

    def __init__(self):
        self.client = None
        self.asked = 0

    async def elicit(self, message, response_type, params, context):
        """Answers the server's question."""
        self.asked += 1
        return {"name": NAME}

    async def call(self, name, arguments, progress):
        return await self.client.call_tool_mcp(name, arguments, progress_handler=progress)

    def failed(self, result):
        return result.is_error

    async def unknown_method(self):
        request = types.Request[types.RequestParams, str](method="no/such/method", params=types.RequestParams())
        return await self.client.session.send_request(request, types.EmptyResult)

    async def list_tools(self):
        return await self.client.list_tools_mcp()

    async def list_resources(self):
        return await self.client.list_resources_mcp()

    async def count_templates(self):
        return len((await self.client.list_resource_templates_mcp()).resource_templates)

    async def read(self, uri):
        return await self.client.read_resource_mcp(uri)

    async def list_prompts(self):
        return await self.client.list_prompts_mcp()

    async def get_prompt(self, name, arguments):
        return await self.client.get_prompt_mcp(name, arguments)

    async def complete(self, prompt, argument):
        return await self.client.complete_mcp(types.PromptReference(type="ref/prompt", name=prompt), argument)


@asynccontextmanager
async def connect(seen):
    program, *arguments = sys.argv[1:]
    if program.startswith("http"):
        transport = StreamableHttpTransport(program)
    else:
        transport = StdioTransport(command=program, args=arguments, keep_alive=False)
    adapter = Adapter()
    async with Client(transport, elicitation_handler=adapter.elicit) as adapter.client:
        yield adapter, adapter.client.protocol_version


anyio.run(converse, connect)
