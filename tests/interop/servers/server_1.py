"""A server on the first Python SDK: the legacy era over stdio, (`--http`) HTTP or (`--sse`) HTTP+SSE at a free
port, and nobody here wrote
its protocol code.

The tools are those of tests/fixtures/servers/modern_server.py. Needs the packages of requirements-1.lock.
"""

import sys

import anyio
from mcp.server.fastmcp import Context, FastMCP
from mcp.server.lowlevel import NotificationOptions
from pydantic import BaseModel

server = FastMCP("server-1", instructions="A fixture for interop tests.", host="127.0.0.1", port=0)

# `slow` waits this long between two steps, so that a test has time to cancel it.
STEP_SECONDS = 0.05

calls = {"cancelled": 0}


class Name(BaseModel):
    """What `ask` wants to know."""

    name: str


@server.tool()
def add(a: int, b: int) -> int:
    """Adds two integers."""
    return a + b


@server.tool()
def echo(text: str) -> str:
    """Gives the text back."""
    return text


@server.tool()
async def slow(steps: int, ctx: Context) -> str:
    """Takes its time and reports each step."""
    try:
        for step in range(1, steps + 1):
            await anyio.sleep(STEP_SECONDS)
            await ctx.report_progress(step, steps, f"step {step}")
    except anyio.get_cancelled_exc_class():
        calls["cancelled"] += 1
        raise
    return f"{steps} steps"


@server.tool()
def cancelled() -> str:
    """How many calls of `slow` were cancelled."""
    return str(calls["cancelled"])


@server.tool()
async def ask(ctx: Context) -> str:
    """Asks the person at the client for a name."""
    answer = await ctx.elicit("What is your name?", Name)
    return f"Hello, {answer.data.name}" if answer.action == "accept" else f"no name: {answer.action}"


@server.tool()
async def touch(ctx: Context) -> str:
    """Tells the client that the tool list has changed."""
    await ctx.session.send_tool_list_changed()
    return "touched"


@server.tool()
def fail() -> str:
    """Always fails: the answer is a result with `isError`."""
    raise ValueError("this tool always fails")


@server.resource("fixture://greeting", mime_type="text/plain")
def greeting() -> str:
    """A fixed text."""
    return "hello"


@server.prompt()
def introduce(name: str) -> str:
    """A prompt with one argument."""
    return f"Introduce yourself to {name}."


def declare_changes():
    """The SDK has no setting for it: without this nobody is told that the tool list can change."""
    inner = server._mcp_server
    make = inner.create_initialization_options
    inner.create_initialization_options = lambda: make(NotificationOptions(tools_changed=True))


if __name__ == "__main__":
    declare_changes()
    server.run({"--http": "streamable-http", "--sse": "sse"}.get(sys.argv[-1], "stdio"))
