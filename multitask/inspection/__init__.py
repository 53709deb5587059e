"""What is wrong with labelled pictures?

Imports `contracts`, `terminal`, `images`, `tables` and `data`.
"""
