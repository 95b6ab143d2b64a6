"""Training, export and calibration of proxies; the only package that needs torch."""
