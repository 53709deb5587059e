"""How is one recipe prepared, trained and measured?

Imports `contracts`, `terminal`, `images`, `tables`, `data`, `networks` and `training`.
"""
