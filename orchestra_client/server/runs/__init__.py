"""Making flow runs and task runs: what a new run is given, and the rows it begins with."""
