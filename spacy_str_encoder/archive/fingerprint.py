"""Fingerprint of a pipeline."""

from hashlib import sha256

from spacy.language import Language


def fingerprint(nlp: Language) -> str:
    """Compute a fingerprint of a pipeline.

    nlp (Language): The pipeline.
    RETURNS (str): The name and the version, and a hash of all files.
    """
    digest = sha256()
    for path in sorted(nlp.path.rglob("*")):
        # Hidden files, such as those of file managers, are not part of a pipeline.
        if path.is_file() and not path.name.startswith("."):
            digest.update(path.relative_to(nlp.path).as_posix().encode())
            digest.update(path.read_bytes())
    return f"{nlp.lang}_{nlp.meta['name']} {nlp.meta['version']} {digest.hexdigest()[:16]}"
