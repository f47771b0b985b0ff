"""What both Python clients share: one JSON line per step, and the steps themselves over a small adapter.

A step prints {"step", "ok", "note"}. A step that a client cannot do is not printed; the driver knows which those are.
"""

import json
import os
import sys
import traceback
from contextlib import asynccontextmanager

import anyio

# How the steps are asked of our demo server, and of server-everything.
DEMO = {
    "tools": ["echo", "slow"],
    "echo": lambda text: ("echo", {"text": text}, text),
    "add": ("add", {"a": 2, "b": 40}, "42"),
    "slow": lambda steps: ("slow", {"steps": steps, "delay_ms": 20}),
    "fail": ("fail", {}),
    "big": ("big", {"bytes": 2 << 20}),
    "resource": ("demo://readme", "demo://readme", 1),
    "prompt": "greet",
    "completion": ("greet", {"name": "city", "value": "Li"}, ["Lima", "Lisbon"]),
    "ask": ("ask", {}, "Hello, Ada!"),
    "touch": ("touch", {}),
    "touched": "demo://note/1",
}
EVERYTHING = {
    "tools": ["echo", "trigger-long-running-operation"],
    "echo": lambda text: ("echo", {"message": text}, f"Echo: {text}"),
    "add": ("get-sum", {"a": 2, "b": 40}, "The sum of 2 and 40 is 42."),
    "slow": lambda steps: ("trigger-long-running-operation", {"steps": steps, "duration": steps * 0.02}),
    "fail": ("get-sum", {"a": "not a number"}),
    "big": None,
    "resource": ("demo://resource/static/document/features.md", "demo://resource/dynamic/text/7", 2),
    "prompt": "args-prompt",
    "completion": ("completable-prompt", {"name": "department", "value": "S"}, ["Sales", "Support"]),
    "ask": ("trigger-elicitation-request", {}, "- Name: Ada"),
    "touch": (
        "gzip-file-as-resource",
        {"name": "a.gz", "data": "data:text/plain,hello", "outputType": "resourceLink"},
    ),
    "touched": "demo://resource/session/a.gz",
}
WORDS = EVERYTHING if os.environ.get("MCP_SERVER") == "everything" else DEMO

NAME = "Ada"
TEXT = "hé\n\u2028llo"


def report(name, ok, note=""):
    """Prints one step."""
    print(json.dumps({"step": name, "ok": ok, "note": note}), flush=True)


def check(condition, what):
    """Fails the step."""
    if not condition:
        raise AssertionError(what)


@asynccontextmanager
async def tapped(transport, seen):
    """A transport whose incoming messages are noted, as the JSON that they were."""
    async with transport as (read, write):
        send, receive = anyio.create_memory_object_stream(0)

        async def pump():
            async with send:
                async for item in read:
                    if not isinstance(item, Exception):
                        seen.append(item.message.model_dump(by_alias=True, exclude_none=True, mode="json"))
                    await send.send(item)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(pump)
            yield receive, write
            tasks.cancel_scope.cancel()


class Conversation:
    """The whole conversation with the demo server. The adapter is made by each client."""

    def __init__(self, adapter, seen):
        self.adapter = adapter
        self.seen = seen

    async def step(self, name, body):
        """Runs one step, and prints how it went."""
        try:
            with anyio.fail_after(30):
                note = await body()
            report(name, True, note or "")
        except Exception:
            report(name, False, traceback.format_exc())

    async def text(self, call, progress=None):
        """Calls a tool that has to succeed."""
        name, arguments, *_ = call
        result = await self.adapter.call(name, arguments, progress)
        check(not self.adapter.failed(result), f"the tool failed: {result}"[:500])
        return "\n".join(getattr(item, "text", "") for item in result.content)

    async def run(self):
        """All steps between `connect` and `close`, without those that the client cannot do."""
        names = ["list", "call", "progress", "cancel", "error", "large", "resource", "prompt", "input", "listen"]
        for name in (name for name in names if name not in getattr(self.adapter, "cannot", ())):
            await self.step(name, getattr(self, name))

    async def list(self):
        """The tools are listed."""
        names = [tool.name for tool in (await self.adapter.list_tools()).tools]
        check(all(tool in names for tool in WORDS["tools"]), names)

    async def call(self):
        """Texts survive, and numbers."""
        echo = WORDS["echo"](TEXT)
        check(await self.text(echo) == echo[2], "another text came back")
        check(await self.text(WORDS["add"]) == WORDS["add"][2], "another sum")

    async def progress(self):
        """Each step is told."""
        steps = []

        async def note(progress, total, message):
            steps.append(progress)

        await self.text(WORDS["slow"](3), note)
        check(steps == [1, 2, 3], steps)

    def ticks(self, token):
        """How often the call of this token told its progress."""
        notes = [m["params"] for m in self.seen if m.get("method") == "notifications/progress"]
        return sum(params["progressToken"] == token for params in notes)

    async def cancel(self):
        """A call is cancelled after its first progress; the server stops, and does not answer it."""
        start = len(self.seen)
        first = anyio.Event()

        async def note(progress, total, message):
            first.set()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.adapter.call, *WORDS["slow"](1000), note)
            await first.wait()
            notes = [m for m in self.seen[start:] if m.get("method") == "notifications/progress"]
            token = notes[0]["params"]["progressToken"]
            await self.adapter.cancel(token)
            tasks.cancel_scope.cancel()
        # Whatever is answered after the cancellation comes after the last progress.
        await self.text(WORDS["slow"](1))
        before = self.ticks(token)
        await self.text(WORDS["slow"](5))
        check(self.ticks(token) == before, "the server went on after the cancellation")
        answers = [m for m in self.seen if m.get("id") == token and "method" not in m]
        if any(argument.startswith("http") for argument in sys.argv):
            # The answer's stream has to end, and in the legacy era it does with an error of this code.
            answers = [m for m in answers if m.get("error", {}).get("code") != -32800]
        check(not answers, f"the server answered a cancelled call: {answers}")

    async def code_of(self, awaitable):
        """The JSON-RPC error code with which this fails."""
        try:
            await awaitable
        except self.adapter.Error as error:
            return error.error.code
        raise AssertionError("this had to fail")

    async def error(self):
        """A tool that fails is a result; what is not there is an error."""
        check(self.adapter.failed(await self.adapter.call(*WORDS["fail"], None)), "it has to fail")
        # The one method that the first SDK can send and our server does not know is known to server-everything.
        if WORDS is DEMO or not getattr(self.adapter, "sends_known_methods", False):
            check(await self.code_of(self.adapter.unknown_method()) == -32601, "-32601")
        check(await self.code_of(self.adapter.read("demo://no-such-thing")) in (-32002, -32602), "not found")

    async def large(self):
        """1 MiB there, 2 MiB back."""
        large = WORDS["echo"]("x" * (1 << 20))
        check(await self.text(large) == large[2], "another text came back")
        if WORDS["big"]:
            check(len(await self.text(WORDS["big"])) == 2 << 20, "another length")

    async def uris(self):
        """The URIs of all resources."""
        return [str(resource.uri) for resource in (await self.adapter.list_resources()).resources]

    async def resource(self):
        """Resources are listed and read, templates are listed."""
        uris = await self.uris()
        listed, read, templates = WORDS["resource"]
        check(listed in uris, uris)
        check((await self.adapter.read(read)).contents[0].text, "no text")
        check(await self.adapter.count_templates() == templates, "another number of templates")

    async def prompt(self):
        """A prompt is listed and filled in, and its argument is completed."""
        names = [prompt.name for prompt in (await self.adapter.list_prompts()).prompts]
        check(WORDS["prompt"] in names, names)
        prompt = await self.adapter.get_prompt(WORDS["prompt"], {"city": "Lima"})
        check("Lima" in prompt.messages[0].content.text, prompt)
        name, argument, values = WORDS["completion"]
        completed = await self.adapter.complete(name, argument)
        check(completed.completion.values == values, completed)

    async def input(self):
        """The server asks once in the middle of a call."""
        check(WORDS["ask"][2] in await self.text(WORDS["ask"]), "another greeting")
        check(self.adapter.asked == 1, f"asked {self.adapter.asked} times")

    async def listen(self):
        """A change that a call causes is heard of."""
        async with self.adapter.next_change() as changed:
            await self.text(WORDS["touch"])
            await changed()
        uris = await self.uris()
        check(WORDS["touched"] in uris, uris)


async def converse(connect):
    """Runs everything. `connect(seen)` is a context that gives an adapter and the version agreed on."""
    seen = []
    connected = False
    try:
        with anyio.fail_after(120):
            async with connect(seen) as (adapter, version):
                connected = True
                report("connect", True, version)
                await Conversation(adapter, seen).run()
        report("close", True)
    except BaseException:
        report("close" if connected else "connect", False, traceback.format_exc())
        sys.exit(1)
