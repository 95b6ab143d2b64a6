"""What is wrong with a query, as data and as text."""
