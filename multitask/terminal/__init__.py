"""What does the user see while something long runs?

Imports `contracts`.
"""
