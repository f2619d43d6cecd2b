"""Wiring: one module a flow, each sources → pure functions → tables. The only layer that knows both sides."""
