"""How is one recipe prepared, trained and measured?

Imports `contracts`, `images`, `data`, `networks` and `training`.
"""
