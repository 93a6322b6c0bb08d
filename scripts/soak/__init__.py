"""Stress tests for a trained pipeline that stand for years of use in a hospital: killed processes,
invalid input, arbitrary texts, concurrent calls, long texts, and many texts in a row.
"""
