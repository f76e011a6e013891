"""What the project is built and checked with; not part of the package."""
