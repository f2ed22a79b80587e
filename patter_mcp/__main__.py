from patter_mcp.cli import main

main()
