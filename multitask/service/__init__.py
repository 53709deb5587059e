"""How does a network answer over HTTP, and what may a request ask of it?

Imports `contracts`, `images` and `networks`. It needs the extra `serve`.
"""
