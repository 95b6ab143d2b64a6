"""A large language model that answers what a proxy answers: is an instruction true of a text, and of which pieces?

It annotates samples for ``falconql train``, and stands behind ``using llm`` and ``--proxy llm:MODEL``. ``prompt`` says
how it is asked, ``answers`` what its replies mean, ``store`` keeps them, ``annotator`` has many requests in flight.
"""
