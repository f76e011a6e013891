"""How the database's schema came to be, one revision after the other; only ever upwards.

A new revision is a file in `versions/` that names its predecessor; then `HEAD` in
:mod:`orchestra_client.server.store.migrate` names it. A revision is never changed after its release and imports nothing
from the package, so that it does the same in all later ones.
"""
