"""Statistical methods of Khana, without a framework, a database server or a network.

Frames and values in, frames and values out; analysts may use this package alone.
"""
