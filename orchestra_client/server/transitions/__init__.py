"""The state machine of flow runs and task runs.

A batch of proposed states is read (`reading`), its runs are loaded and locked (`record`), and each proposal is decided
in memory and in order (`deciding`) by the rules (`rules`) and the tag limits (`slots`); then everything that
was accepted is written at once (`record`). `applying` is the whole of it, and what resolvers and services call.
"""
