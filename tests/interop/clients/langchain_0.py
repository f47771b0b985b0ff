"""LangChain's adapters as a client: the legacy era only. Arguments: the program of the server and its arguments, or its
URL; one that ends in /sse means HTTP+SSE. Needs the packages of requirements-1.lock.

They neither cancel a call nor tell of changes, so two steps are missing.
"""

import sys
import traceback
from contextlib import asynccontextmanager

import anyio
from langchain_mcp_adapters.callbacks import Callbacks
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.prompts import load_mcp_prompt
from langchain_mcp_adapters.resources import load_mcp_resources
from langchain_mcp_adapters.tools import load_mcp_tools
from mcp import McpError, types
from steps import NAME, TEXT, check, report


class Talk:
    """The conversation."""

    def __init__(self):
        self.asked = 0
        self.steps = []
        self.session = None
        self.tools = {}

    async def elicit(self, mcp_context, params, context):
        """Answers the server's question."""
        self.asked += 1
        return types.ElicitResult(action="accept", content={"name": NAME})

    async def progressed(self, progress, total, message, context):
        """Hears of progress."""
        self.steps.append(progress)

    async def text(self, tool, arguments):
        """The text of a tool."""
        content = await self.tools[tool].ainvoke(arguments)
        return content if isinstance(content, str) else "\n".join(block["text"] for block in content)

    async def list(self):
        tools = await load_mcp_tools(self.session, callbacks=self.callbacks, server_name="demo")
        self.tools = {tool.name: tool for tool in tools}
        check("echo" in self.tools and "slow" in self.tools, list(self.tools))

    async def call(self):
        check(await self.text("echo", {"text": TEXT}) == TEXT, "another text came back")
        check(await self.text("add", {"a": 2, "b": 40}) == "42", "another sum")

    async def progress(self):
        await self.text("slow", {"steps": 3, "delay_ms": 20})
        check(self.steps == [1, 2, 3], self.steps)

    async def error(self):
        # The adapters make the failure of a tool a text for the model.
        failed = await self.text("fail", {})
        check("always fails" in failed, failed)
        try:
            await load_mcp_resources(self.session, uris="demo://no-such-thing")
        except (McpError, RuntimeError):
            return
        raise AssertionError("this resource must not be there")

    async def large(self):
        large = "x" * (1 << 20)
        check(await self.text("echo", {"text": large}) == large, "another text came back")
        check(len(await self.text("big", {"bytes": 2 << 20})) == 2 << 20, "another length")

    async def resource(self):
        blobs = await load_mcp_resources(self.session, uris="demo://readme")
        check(len(blobs) == 1 and blobs[0].as_string(), blobs)

    async def prompt(self):
        messages = await load_mcp_prompt(self.session, "greet", arguments={"city": "Lima"})
        check("Lima" in messages[0].content, messages)

    async def input(self):
        check(await self.text("ask", {}) == f"Hello, {NAME}!", "another greeting")
        check(self.asked == 1, f"asked {self.asked} times")


@asynccontextmanager
async def connected(talk):
    """A session with the server."""
    command, *arguments = sys.argv[1:]
    if command.startswith("http"):
        kind = "sse" if command.endswith("/sse") else "streamable_http"
        connection = {"transport": kind, "url": command}
    else:
        connection = {"transport": "stdio", "command": command, "args": arguments}
    talk.callbacks = Callbacks(on_progress=talk.progressed, on_elicitation=talk.elicit)
    client = MultiServerMCPClient({"demo": connection}, callbacks=talk.callbacks)
    async with client.session("demo", auto_initialize=False) as talk.session:
        version = (await talk.session.initialize()).protocolVersion
        yield version


async def main():
    talk = Talk()
    name = "connect"
    try:
        with anyio.fail_after(120):
            async with connected(talk) as version:
                report("connect", True, version)
                for name in ["list", "call", "progress", "error", "large", "resource", "prompt", "input"]:
                    try:
                        await getattr(talk, name)()
                        report(name, True)
                    except Exception:
                        report(name, False, traceback.format_exc())
                name = "close"
        report("close", True)
    except BaseException:
        report(name, False, traceback.format_exc())
        sys.exit(1)


anyio.run(main)
