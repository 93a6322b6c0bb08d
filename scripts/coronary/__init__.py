"""Generator of the demo corpus: synthetic Chinese findings of coronary arteriography, annotated.

A sentence is a sequence of clauses. A clause is a template whose slots produce text, entities and
findings together, so the annotations come from the grammar and not from a search for strings.
"""
