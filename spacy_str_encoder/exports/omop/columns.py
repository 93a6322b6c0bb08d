"""The columns of NOTE_NLP, and their limits.

Source: https://ohdsi.github.io/CommonDataModel/cdm54.html#note_nlp
"""

COLUMNS = (
    "note_nlp_id",
    "note_id",
    "section_concept_id",
    "snippet",
    "offset",
    "lexical_variant",
    "note_nlp_concept_id",
    "note_nlp_source_concept_id",
    "nlp_system",
    "nlp_date",
    "nlp_datetime",
    "term_exists",
    "term_temporal",
    "term_modifiers",
)
# Maximum numbers of characters.
SNIPPET, LEXICAL_VARIANT, NLP_SYSTEM, TERM_MODIFIERS = 250, 250, 250, 2000
# The largest integer that has a place in a column.
MAX_INTEGER = 2**31 - 1
# Of the concept that stands for none.
NO_CONCEPT = 0
