"""How is one recipe prepared, trained and measured?

Imports `contracts`, `terminal`, `images`, `data`, `networks` and `training`.
"""
