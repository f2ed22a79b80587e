"""Pure functions on telephone audio: no sockets, no clocks, no vendors."""
