"""What do plug-ins and all rooms agree on?

Heads, tables, recipes, evaluations, errors, and the files of a run. Imports nothing
else of multitask.
"""
