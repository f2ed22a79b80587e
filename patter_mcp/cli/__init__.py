"""The command line: parse, hand to the phone, print.

Above: nobody. What is for people goes to the terminal, what is for programs (`--json`) to stdout alone.
"""

from patter_mcp.cli.main import main as main
