"""Typed query to runtime plan: lowering, rules, costs."""
