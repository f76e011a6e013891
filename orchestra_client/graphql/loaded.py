"""Recognise instances of classes from modules that are expensive to import."""

from __future__ import annotations

import sys

__all__ = ["is_instance"]


def is_instance(value: object, module: str, class_name: str) -> bool:
    """Whether `value` is an instance of `module.class_name`, without ever importing `module`.

    An object can only be an instance of a class that exists, so a module that nobody imported yet answers
    the question by being absent.

    Args:
        value: any object.
        module: the dotted name under which the class's users import it, e.g. ``"graphql"``.
        class_name: the class in that module.

    Returns:
        True for instances of the class and its subclasses.
    """
    found = getattr(sys.modules.get(module), class_name, None)
    return isinstance(found, type) and isinstance(value, found)
