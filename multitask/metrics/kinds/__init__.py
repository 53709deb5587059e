"""How good is each single answer, by what answers are: a class, labels, a number?

Imports `contracts`.
"""
