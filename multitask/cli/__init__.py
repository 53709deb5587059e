"""How do options or keywords become a recipe, and how does TensorFlow start quietly?

Imports `contracts` and `terminal`.
"""
