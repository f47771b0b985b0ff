"""The first Python SDK as a client over its own WebSocket transport. Argument: the URL of the server.

Prints a line for each step that went well, and fails at the first that did not. The server has the tools `add`,
`count`, `ask` and `touch`. Needs the packages of requirements-1.lock.
"""

import sys
import warnings

import anyio
from mcp import ClientSession, McpError, types
from mcp.client.websocket import websocket_client

# The SDK says that this transport goes with its second version.
warnings.simplefilter("ignore", DeprecationWarning)

changed = anyio.Event()


async def elicit(context, params):
    """Answers the server's question."""
    return types.ElicitResult(action="accept", content={"name": "Ada"})


async def message(message):
    """Hears of everything that is no answer."""
    if isinstance(message, types.ServerNotification):
        if isinstance(message.root, types.ToolListChangedNotification):
            changed.set()


def check(condition, what):
    """Fails the conversation."""
    if not condition:
        raise AssertionError(what)


async def text(session, name, arguments, progress=None):
    """The text that a tool returns."""
    result = await session.call_tool(name, arguments, progress_callback=progress)
    check(not result.isError, result)
    return result.content[0].text


async def talk(session):
    """The conversation, step by step."""
    result = await session.initialize()
    check(result.protocolVersion == "2025-11-25", result.protocolVersion)
    print("connect", flush=True)
    names = sorted(tool.name for tool in (await session.list_tools()).tools)
    check(names == ["add", "ask", "count", "touch"], names)
    print("list", flush=True)
    check(await text(session, "add", {"a": 2, "b": 3}) == "5", "another sum")
    print("call", flush=True)
    steps = []

    async def note(progress, total, message):
        steps.append(progress)

    check(await text(session, "count", {"to": 3}, note) == "counted to 3", "another text")
    check(steps == [1, 2, 3], steps)
    print("progress", flush=True)
    check(await text(session, "ask", {}) == "Hello, Ada!", "another greeting")
    print("input", flush=True)
    check(await text(session, "touch", {}) == "touched", "another text")
    await changed.wait()
    print("listen", flush=True)
    try:
        await session.send_request(types.ClientRequest(types.ListTasksRequest(method="tasks/list")), types.EmptyResult)
    except McpError as error:
        check(error.error.code == -32601, error)
        print("error", flush=True)


async def main():
    """Connects, talks and closes."""
    with anyio.fail_after(60):
        async with websocket_client(sys.argv[1]) as (read, write):
            async with ClientSession(read, write, elicitation_callback=elicit, message_handler=message) as session:
                await talk(session)
    print("close", flush=True)


anyio.run(main)
