"""Is one network as good as several, trained on one split, and what does each cost?

Imports `experiments` and the rooms that it imports.
"""
