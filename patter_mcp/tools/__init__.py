"""What the agent may do in a call besides talking."""
