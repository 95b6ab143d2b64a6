"""One module per plan node: what executes it."""
