"""Exports: from annotated docs to what databases take."""
