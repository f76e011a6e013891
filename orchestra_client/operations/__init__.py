"""Every call of the API as a pure function: it checks the arguments, builds the variables, reads the answer.

One module per resource. Nothing here does I/O or reads a clock; ids and keys that a call needs are arguments.
"""
