"""Losses: blocks that end in the single number that training makes small, and the distance that some of them read."""
