"""What is wrong with labelled pictures?

Imports `contracts`, `images` and `data`.
"""
