"""What `orchestra doctor` looks at, and what it finds.

``findings`` is what a check says; ``machine``, ``server``, ``login`` and ``work`` are the checks by what they look at;
``examination`` is their order, and sees to it that none of them keeps anybody waiting.
"""
