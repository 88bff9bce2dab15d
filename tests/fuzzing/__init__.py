"""Bad input of every kind, made by scripts: `corpus` of files, `targets` to be fuzzed.

`python -m tests.fuzzing 6000` throws so many cases at the readers and tells what came of them; the
suite takes a share of them each time.
"""
