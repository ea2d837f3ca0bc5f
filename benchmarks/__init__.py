"""Side by side with what others use, each figure a ratio measured in one run: `python -m benchmarks [NAME ...]`.

One file a figure, listed in `__main__.py`; each has `main(arguments)`, which prints its figures and answers 0 when every
target is met, 1 when one is missed and 2 when something that it needs is not installed.
"""
