"""How does a picture file become the pixels that a network sees?

Imports `contracts` and `terminal`.
"""
