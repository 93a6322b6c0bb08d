"""Simulation of annotation in rounds: texts chosen by `select`, or at random."""
