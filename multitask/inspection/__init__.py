"""What is wrong with labelled pictures?

Imports `contracts`, `terminal`, `images` and `data`.
"""
