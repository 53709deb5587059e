"""Which trunk has ImageNet weights that a package brings, without a download?"""
