"""An MCP client asks for a call and hears how it went.

Above: `cli` and whoever else serves MCP. Below: `calls`. Here, and nowhere else, is the MCP SDK known;
audio, vendors and sockets are not.
"""
