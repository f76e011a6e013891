"""Worlds to attack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestra_client.server.service import Service

from .world import World

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def only_world() -> Iterator[World]:
    world = World(Service.open("memory:"))
    yield world
    world.close()


@pytest.fixture
def world(only_world: World) -> World:
    """A world as on its first day, however it was attacked before."""
    only_world.restore()
    return only_world
