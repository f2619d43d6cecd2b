"""The command line: ``headrace <command>``. One module a command, imported when it is called.

Exit codes: 0 done; 1 a check found something wrong; 2 the command line or the configuration is wrong; 3 something
else failed. What went wrong is one clear text on standard error.
"""

from headrace.cli.main import main

__all__ = ["main"]
