"""What do commands return that measure several networks, or describe one?"""
