"""Conditions and values written in a file, made safe: an expression is data, not code.

It is parsed as Spark SQL, held against an allow list, and written anew from what was understood. Nothing of the text
itself reaches Spark, and what reaches it cannot raise: under ANSI mode one failing cast would end a query at every
restart, so arithmetic and casts take their ``try_`` forms, and operands must be of one type.
"""

from headrace.expressions.compiler import compile_condition, compile_expression, compile_number

__all__ = ["compile_condition", "compile_expression", "compile_number"]
