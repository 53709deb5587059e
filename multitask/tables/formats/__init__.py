"""Which cells, and which pictures, are in a file of labels of each format?"""
