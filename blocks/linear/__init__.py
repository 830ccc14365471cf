"""Linear maps: matrix products, and the tables that a product with rows of 0 and 1 looks up."""
