"""Language models behind OpenAI-compatible endpoints: where they are, and one request with one reply.

What is asked is the business of ``falconql.asking`` (queries for plain words) and ``falconql.annotating`` (answers
about texts).
"""
