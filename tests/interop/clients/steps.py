"""What both Python clients share: one JSON line per step, and the steps themselves over a small adapter.

A step prints {"step", "ok", "note"}. A step that a client cannot do is not printed; the driver knows which those are.
"""

import json
import sys
import traceback
from contextlib import asynccontextmanager

import anyio

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

    async def text(self, name, arguments, progress=None):
        """Calls a tool that has to succeed."""
        result = await self.adapter.call(name, arguments, progress)
        check(not self.adapter.failed(result), f"the tool failed: {result}"[:500])
        return "\n".join(item.text for item in result.content)

    async def run(self):
        """All steps between `connect` and `close`, without those that the client cannot do."""
        names = ["list", "call", "progress", "cancel", "error", "large", "resource", "prompt", "input", "listen"]
        for name in (name for name in names if name not in getattr(self.adapter, "cannot", ())):
            await self.step(name, getattr(self, name))

    async def list(self):
        """The tools are listed."""
        names = [tool.name for tool in (await self.adapter.list_tools()).tools]
        check("echo" in names and "slow" in names, names)

    async def call(self):
        """Texts survive, and numbers."""
        check(await self.text("echo", {"text": TEXT}) == TEXT, "another text came back")
        check(await self.text("add", {"a": 2, "b": 40}) == "42", "another sum")

    async def progress(self):
        """Each step is told."""
        steps = []

        async def note(progress, total, message):
            steps.append(progress)

        await self.text("slow", {"steps": 3, "delay_ms": 20}, note)
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
            tasks.start_soon(self.adapter.call, "slow", {"steps": 1000, "delay_ms": 20}, note)
            await first.wait()
            notes = [m for m in self.seen[start:] if m.get("method") == "notifications/progress"]
            token = notes[0]["params"]["progressToken"]
            await self.adapter.cancel(token)
            tasks.cancel_scope.cancel()
        # Whatever is answered after the cancellation comes after the last progress.
        await self.text("slow", {"steps": 1, "delay_ms": 20})
        before = self.ticks(token)
        await self.text("slow", {"steps": 5, "delay_ms": 20})
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
        check(self.adapter.failed(await self.adapter.call("fail", {}, None)), "`fail` has to fail")
        check(await self.code_of(self.adapter.unknown_method()) == -32601, "-32601")
        check(await self.code_of(self.adapter.read("demo://no-such-thing")) in (-32002, -32602), "not found")

    async def large(self):
        """1 MiB there, 2 MiB back."""
        large = "x" * (1 << 20)
        check(await self.text("echo", {"text": large}) == large, "another text came back")
        check(len(await self.text("big", {"bytes": 2 << 20})) == 2 << 20, "another length")

    async def uris(self):
        """The URIs of all resources."""
        return [str(resource.uri) for resource in (await self.adapter.list_resources()).resources]

    async def resource(self):
        """Resources are listed and read, templates are listed."""
        uris = await self.uris()
        check("demo://readme" in uris, uris)
        check((await self.adapter.read("demo://readme")).contents[0].text, "no text")
        check(await self.adapter.count_templates() == 1, "one template")

    async def prompt(self):
        """A prompt is listed and filled in, and its argument is completed."""
        check((await self.adapter.list_prompts()).prompts[0].name == "greet", "the prompt is listed")
        prompt = await self.adapter.get_prompt("greet", {"city": "Lima"})
        check("Lima" in prompt.messages[0].content.text, prompt)
        completed = await self.adapter.complete("greet", {"name": "city", "value": "Li"})
        check(completed.completion.values == ["Lima", "Lisbon"], completed)

    async def input(self):
        """The server asks once in the middle of a call."""
        check(await self.text("ask", {}) == f"Hello, {NAME}!", "another greeting")
        check(self.adapter.asked == 1, f"asked {self.adapter.asked} times")

    async def listen(self):
        """A change that a call causes is heard of."""
        async with self.adapter.next_change() as changed:
            await self.text("touch", {})
            await changed()
        uris = await self.uris()
        check("demo://note/1" in uris, uris)


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
