"""Trains what tables II to VI of the paper compare, and sets the figures side by side.

Source: Xue et al. 2019, arXiv 1908.07721, section IV. A system and a seed make a trial; each trial
is trained in a process of its own, here or on Ray, and its result is kept in a folder of its own.
"""
