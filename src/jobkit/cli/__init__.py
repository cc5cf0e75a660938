"""The command line: one file a group of commands.

Commands import what they need when they run: `jobkit --help` must be quick, and must work where
the application that it is asked about does not.
"""
