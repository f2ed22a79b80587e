"""Names to factories: built in, or announced by another package's entry points."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

from patter_mcp.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """Providers of one kind. What is built in wins over an entry point of the same name."""

    kind: str
    built_in: Mapping[str, str]
    """Name -> `module:class`."""
    entry_points: str
    """The group other packages announce theirs in."""

    def make(self, name: str, settings: Mapping[str, Any]) -> Any:
        """The provider called `name` or `name/model`; the model is handed on as the setting of that name.

        Raises:
            ConfigError: there is none of that name.
        """
        provider, _, model = name.partition("/")
        named = {"model": model} if model else {}
        return self._factory(provider)(**{**named, **settings})

    def names(self) -> list[str]:
        return sorted({*self.built_in, *entry_points(group=self.entry_points).names})

    def _factory(self, provider: str) -> Callable[..., Any]:
        if provider in self.built_in:
            module_name, _, class_name = self.built_in[provider].partition(":")
            return getattr(importlib.import_module(module_name), class_name)
        for entry_point in entry_points(group=self.entry_points, name=provider):
            return entry_point.load()
        raise ConfigError(f"There is no {self.kind} {provider!r}; choose one of: {', '.join(self.names())}")
