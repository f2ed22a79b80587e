"""A call is made, lived through and closed.

Above: `server` and `library` ask for calls, `media` brings their lines. Below: `conversation`, and the
`base.py` of carriers and store. Ignorant of MCP, wire formats and vendors.
"""
