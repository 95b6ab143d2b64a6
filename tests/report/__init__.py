"""Reports: their data, and what a browser makes of them."""
