"""A proxy for one query: sample its questions, annotate them, fine-tune, calibrate, export, register.

What the data is at each step: typed query and corpus → ``Asked`` (the questions that reach each model call) →
``Sample`` (some of them, with weights) → ``Gold`` (with their answers: bool or spans) → ``Example`` for
``falconql.training`` → a proxy directory.
"""
