"""A phone agent without a language model: rules and slots, deterministic and honest.

It stands in where no account or key is at hand, and says openly what it is (provider "patter", model "rules"). `model`
is the face towards the conversation; `memory` folds the messages, `brain` decides, `phrasing` speaks. Nothing is kept
between requests. It knows nothing of audio, carriers or the call around it.
"""

from patter_mcp.llm.rules.model import RulesLLM

__all__ = ["RulesLLM"]
