"""How does a network learn?

Imports `contracts`, `terminal`, `images`, `data` and `networks`.
"""
