"""Does to a trained pipeline what years in a hospital would: kills, bad records, any text, many
texts at once, long texts, many texts in a row.
"""
