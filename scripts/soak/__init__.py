"""Soak tests of a trained pipeline: killed runs, bad lines, arbitrary texts, concurrent calls, a
service, long texts, and many texts in a row.
"""
