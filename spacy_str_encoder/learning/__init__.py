"""From a trained pipeline to better training data."""
