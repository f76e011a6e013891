"""The main job from start to finish, with real processes: `orchestra demo`, and a program to copy from.

Starts a server and an agent, registers the flow of `examples/flows/orders.py` as a CI job would, and creates two runs
of it. The first holds the only slot of a tag limit until it is cancelled; the second gets the slot then and finishes.
Then the story of both runs is read back, and told.

``play`` is the job itself, ``processes`` runs the server and the agent, ``story`` reads and shows, and ``verdict`` says
what is not as it should be.
"""
