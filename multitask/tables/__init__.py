"""Which labels does a table hold, as people write them?

Imports `contracts`.
"""
