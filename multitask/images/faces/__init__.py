"""Where are the faces of a picture, and how are they cut out for a network?"""
