"""How does a network learn?

Imports `contracts`, `images`, `data` and `networks`.
"""
