"""Reproduction of tables II to VI of the paper: trains the systems and compares the figures.

Source: Xue et al. 2019, arXiv 1908.07721, section IV. A trial is a system with a seed. Each trial
is trained in its own process, on this machine or on Ray, and has its own folder for the result.
"""
