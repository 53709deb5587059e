"""How do command-line options become a recipe, and how does TensorFlow start quietly?

Imports `contracts`.
"""
