"""Reaching a large language model: where it is (``endpoint``) and one request to it (``client``)."""
