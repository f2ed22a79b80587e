"""A phone network in which no phone rings: scenarios, simulated callees, and the carrier that reaches them.

Above: whoever opens a carrier. Below: `carriers.base`, the embedded speech, the helper programs. The agent's side
cannot tell it from a real carrier but by its name; the callee hears the agent only as audio.
"""
