"""What may a network file hold, and is what it holds safe to open?"""
