"""One module per resource: the functions behind the root fields of the contract."""
