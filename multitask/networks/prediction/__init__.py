"""Which pictures are meant by what is given, and how are answers for them written?"""
