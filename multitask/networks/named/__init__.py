"""Which networks can be named, and where is the file of each? Without Keras.

Imports `contracts`.
"""
