"""Which rows of a table of answers show what a user looks for?

Imports `contracts` and `images`.
"""
