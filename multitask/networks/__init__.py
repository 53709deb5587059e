"""How do a trunk and its heads become one model, one file, and answers?

Imports `contracts`, `terminal` and `images`.
"""
