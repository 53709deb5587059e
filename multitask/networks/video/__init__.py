"""What does a network answer for the persons in a video?"""
