"""A server on fastmcp: both eras over stdio or (`--http`) HTTP at a free port, and nobody here wrote its protocol code.

The tools are those of tests/fixtures/servers/modern_server.py. Needs the packages of requirements.lock.
"""

import asyncio
import sys
from dataclasses import dataclass

import mcp_types
from fastmcp import Context, FastMCP

server = FastMCP("fastmcp-4", instructions="A fixture for interop tests.")

# `slow` waits this long between two steps, so that a test has time to cancel it.
STEP_SECONDS = 0.05

calls = {"cancelled": 0}


@dataclass
class Name:
    """What `ask` wants to know."""

    name: str


@server.tool
def add(a: int, b: int) -> int:
    """Adds two integers."""
    return a + b


@server.tool
def echo(text: str) -> str:
    """Gives the text back."""
    return text


@server.tool
async def slow(steps: int, ctx: Context) -> str:
    """Takes its time and reports each step."""
    try:
        for step in range(1, steps + 1):
            await asyncio.sleep(STEP_SECONDS)
            await ctx.report_progress(step, steps, f"step {step}")
    except asyncio.CancelledError:
        calls["cancelled"] += 1
        raise
    return f"{steps} steps"


@server.tool
def cancelled() -> str:
    """How many calls of `slow` were cancelled."""
    return str(calls["cancelled"])


def question() -> mcp_types.ElicitRequest:
    """The question of the modern era."""
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    params = mcp_types.ElicitRequestFormParams(message="What is your name?", requested_schema=schema)
    return mcp_types.ElicitRequest(params=params)


@server.tool
async def ask(ctx: Context):
    """Asks the person at the client for a name: by a request in the legacy era, by the result in the modern one."""
    if answer := (ctx.input_responses or {}).get("name"):
        return f"Hello, {answer.content['name']}"
    try:
        answer = await ctx.elicit("What is your name?", Name)
    except Exception as error:
        if "2026-07-28" not in str(error):
            raise
        return mcp_types.InputRequiredResult(input_requests={"name": question()})
    return f"Hello, {answer.data.name}" if answer.action == "accept" else f"no name: {answer.action}"


@server.tool
async def touch(ctx: Context) -> str:
    """Tells the client that the tool list has changed."""
    await ctx.send_notification(mcp_types.ToolListChangedNotification())
    return "touched"


@server.tool
def fail() -> str:
    """Always fails: the answer is a result with `isError`."""
    raise ValueError("this tool always fails")


@server.resource("fixture://greeting", mime_type="text/plain")
def greeting() -> str:
    """A fixed text."""
    return "hello"


@server.prompt
def introduce(name: str) -> str:
    """A prompt with one argument."""
    return f"Introduce yourself to {name}."


if __name__ == "__main__":
    if sys.argv[-1] == "--http":
        server.run("http", host="127.0.0.1", port=0, show_banner=False)
    else:
        server.run("stdio", show_banner=False)
