"""The everything-server of the second Python SDK, over stdio. Argument: the folder of its package."""

import sys

sys.path.insert(0, sys.argv[1])

from mcp_everything_server.server import mcp  # noqa: E402

mcp.run("stdio")
