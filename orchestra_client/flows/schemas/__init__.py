"""The JSON of flows and their parts: marshmallow schemas, built once and shared."""
