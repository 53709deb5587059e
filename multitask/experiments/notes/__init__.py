"""What must a reader of figures know of the data, the training and chance?

One module per subject: `fit`, `report`, `compare` and `sweep` share its sentences.
"""
