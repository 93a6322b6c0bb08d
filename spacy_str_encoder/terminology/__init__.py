"""Terminologies: codes and their terms, and how the terms are found."""
