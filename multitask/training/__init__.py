"""How does a network learn?

Imports `contracts`, `terminal`, `images`, `tables`, `data` and
`networks`.
"""
