"""What an MCP client has to be told to start this installation's server.

Shapes: https://modelcontextprotocol.io/docs/develop/connect-local-servers (Claude Desktop),
https://code.claude.com/docs/en/mcp (Claude Code), https://cursor.com/docs/context/mcp (Cursor),
https://code.visualstudio.com/docs/copilot/reference/mcp-configuration (VS Code).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from patter_mcp.config import FILE_NAME

LONGEST_CALL_MS = 1_900_000
"""A call of half an hour, its ringing and its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    file: str
    """Where it wants to be told."""
    servers: str = "mcpServers"
    """Its name for the list of servers."""
    extras: Mapping[str, Any] = field(default_factory=dict[str, Any])


CLIENTS: Mapping[str, Client] = {
    "claude-code": Client(file=".mcp.json", extras={"type": "stdio", "timeout": LONGEST_CALL_MS}),
    "claude-desktop": Client(file="claude_desktop_config.json (Settings > Developer > Edit Config)"),
    "cursor": Client(file=".cursor/mcp.json or ~/.cursor/mcp.json"),
    "vscode": Client(file=".vscode/mcp.json", servers="servers", extras={"type": "stdio"}),
}


def block(client: Client) -> dict[str, Any]:
    """To be merged into the client's file."""
    server: dict[str, Any] = {**client.extras, "command": sys.executable, "args": ["-m", "patter_mcp", "serve"]}
    if Path(FILE_NAME).exists():
        # A client starts its servers in a directory of its own.
        server["env"] = {"PATTER_CONFIG": str(Path(FILE_NAME).absolute())}
    return {client.servers: {"patter": server}}
