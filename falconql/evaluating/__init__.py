"""How good the answers of a proxy are: against those of people, of another proxy, or of a language model.

What the data is at each step: query and corpus → a pool of rows → the questions that reach each model call → the
answers of both sides → quality per call, agreement of the whole result, and the worst disagreements.
"""
