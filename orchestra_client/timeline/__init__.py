"""The timeline of a flow run: when its task runs ran, as bars, and those as a picture."""
