"""Files elsewhere: ``s3://`` and ``gs://`` through Arrow's own file systems, ``hf://`` through fsspec, web servers."""
