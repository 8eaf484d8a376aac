"""Third-party spot checks: a draw that anybody can repeat, lots judged by stated risks, re-interviews compared.

The frame's hash and the seed's are published before the draw; the sample names whom to visit and shows no answer.
"""
