"""How states and results are written as JSON and read back: marshmallow schemas, built once and shared."""
