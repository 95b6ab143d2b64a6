"""Running a proxy: a small encoder that answers label and span instructions."""
