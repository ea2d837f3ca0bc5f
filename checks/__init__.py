"""Judgement: samples become results, each with its reason in words. One file a kind of judgement; `board.py` runs them.

`limit`, `rate` and `absence` are the kinds; `registry.py` lists them. The board keeps what each check remembers of each
series and asks a check only about the samples that could change its mind.
"""
