"""How good are answers, how certain is that, and for whom?

Imports `contracts`.
"""
