"""Changes of an archive since earlier runs: new files, and files that have changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spacy.util import minibatch

from .manifest import Manifest
from .sources import TEXTS, Source, join_texts


@dataclass(frozen=True)
class Changes:
    """Sources of a run, and what has changed since earlier runs.

    sources (list[Source]): The sources to read.
    dropped (list[int]): The numbers of the sources whose earlier output is not that of their files
        any more.
    names (tuple[str, ...]): The names of the files that have changed.
    """

    sources: list[Source]
    dropped: list[int]
    names: tuple[str, ...]


def find_changes(sources: Sequence[Source], manifest: Manifest, *, size: int) -> Changes:
    """Compare the sources of a run with those of earlier runs.

    Text files that are one text each form bundles. A bundle of an earlier run stays as it is unless
    one of its files has changed; all other files form new ones.

    sources (Sequence[Source]): The sources.
    manifest (Manifest): The manifest of earlier runs.
    size (int): The maximum number of files in a bundle.
    RETURNS (Changes): The changes.
    """
    single = [source for source in sources if source.path != TEXTS]
    changed = [source for source in single if manifest.has_changed(source)]
    numbers = [manifest.numbers[source.path] for source in changed]
    names = [source.name for source in changed]
    for joint in sources:
        if joint.path == TEXTS:
            bundles = _bundle(joint, manifest, size=size)
            single += bundles.sources
            numbers += bundles.dropped
            names += bundles.names
    return Changes(single, numbers, tuple(names))


def _bundle(joint: Source, manifest: Manifest, *, size: int) -> Changes:
    left = dict(zip(joint.digests, joint.files, strict=True))
    bundles, dropped, names = [], [], []
    known = {n: each for n, each in manifest.current() if each["path"].startswith(TEXTS)}
    for number, record in known.items():
        digests: Mapping[str, str] = record.get("files") or {}
        found = [path for path in digests if path in joint.digests]
        changed = [path for path in found if joint.digests[path] != digests[path]]
        if changed or not digests:
            dropped.append(number)
            names += changed
        elif len(found) == len(digests):
            bundles.append(join_texts([left.pop(path) for path in found], name=record["name"]))
        else:
            # Files were removed: their output stays, and that of the others.
            for path in found:
                left.pop(path)
    # Numbers that no bundle of an earlier run has.
    for number, files in enumerate(minibatch(left.values(), size), start=len(manifest.sources) + 1):
        bundles.append(join_texts(files, name=f"{TEXTS} {number}"))
    return Changes(bundles, dropped, tuple(names))
