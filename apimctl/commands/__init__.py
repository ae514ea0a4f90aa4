"""The command line, one module per noun: parse, one service call, output.

No SQL, no rules and no console here. Heavy imports happen inside the function that needs them.
"""
