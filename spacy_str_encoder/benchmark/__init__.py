"""Speed of a pipeline on texts of its users, on the machine that runs it."""
