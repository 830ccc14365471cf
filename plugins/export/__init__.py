"""What a trained network can be written to, for those who have no blockrun."""
