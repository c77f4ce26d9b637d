"""Checks of the exercises of deep dives, one module a dive."""
