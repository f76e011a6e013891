"""What takes several calls, as generators: they yield operations, are sent the results, and return the outcome.

Nothing here does I/O, reads a clock or sleeps; a client's session drives the generators, in threads or in tasks. An
operation that fails is thrown into the generator, which may recover by yielding another one.
"""
