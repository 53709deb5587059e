"""Which settings of a recipe are better?

Imports `experiments` and the rooms that it imports.
"""
