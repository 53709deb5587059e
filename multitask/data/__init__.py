"""How do labelled folders become a split and batches of pictures and targets?

Imports `contracts`, `terminal`, `images` and `tables`.
"""
