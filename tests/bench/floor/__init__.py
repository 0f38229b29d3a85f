"""The floor app: what this machine, server and framework can do at all.

Pages of the product are compared with its pages in the same run, since absolute figures drift.
"""
