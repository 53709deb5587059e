"""Which columns of a table are questions, and what are the answers in their cells?"""
