"""Reading what a flow's author registers: pure functions from serialized JSON to the rows of the store."""
