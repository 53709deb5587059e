"""Which labels does a file with a table have? `--data mine=table:labels.csv`."""

from multitask.tables.read import read

__all__ = ["read"]
