"""The version that our JSON of states and results claims."""

from __future__ import annotations

from typing import Final

__all__ = ["WIRE_VERSION"]

WIRE_VERSION: Final = "1.4.1"
"""What is written as ``__version__``: the version of the *format*, the last one its authors published.

Prefect 0.12 to 1.4 drop the field unread, so any string would load. A tool that does compare it can only
compare it with Prefect's versions, and must find the one whose shape the JSON has, whoever wrote it; our own
version, 0.1 say, would tell such a tool to expect the shapes of 2018.
"""
