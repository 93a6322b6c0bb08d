"""Codes of terminologies and their terms, in arrays."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy
from numpy.typing import NDArray

from ..doc.codes import Code
from .normal_form import NormalForms
from .strings import Arrays, PackedStrings


@dataclass(frozen=True)
class Terminology:
    """Codes and their terms, in the order of the table.

    normal_form (NormalForms): Makes the normal forms of terms.
    forms (PackedStrings): The normal form of each term.
    concepts (NDArray[uint32]): The number of the code of each term.
    codes (PackedStrings): The codes.
    displays (PackedStrings): The preferred term of each code.
    systems (PackedStrings): The systems.
    system_of (NDArray[uint32]): The number of the system of each code.
    """

    normal_form: NormalForms
    forms: PackedStrings
    concepts: NDArray[numpy.uint32]
    codes: PackedStrings
    displays: PackedStrings
    systems: PackedStrings
    system_of: NDArray[numpy.uint32]

    @classmethod
    def from_terms(
        cls, terms: Iterable[tuple[str, str, str]], normal_form: NormalForms
    ) -> "Terminology":
        """Collect terms. Those that are nothing but punctuation are left out.

        terms (Iterable[tuple[str, str, str]]): Code, system and term. The first term of a code is
            the preferred one.
        normal_form (NormalForms): Makes their normal forms.
        RETURNS (Terminology): The terminology.
        """
        numbers: dict[tuple[str, str], int] = {}
        systems: dict[str, int] = {}
        forms: list[str] = []
        concepts: list[int] = []
        displays: list[str] = []
        system_of: list[int] = []
        for code, system, term in terms:
            number = numbers.setdefault((code, system), len(numbers))
            if number == len(displays):
                displays.append(term)
                system_of.append(systems.setdefault(system, len(systems)))
            if form := normal_form(term):
                forms.append(form)
                concepts.append(number)
        return cls(
            normal_form,
            PackedStrings.pack(forms),
            numpy.array(concepts, "uint32"),
            PackedStrings.pack(code for code, _ in numbers),
            PackedStrings.pack(displays),
            PackedStrings.pack(systems),
            numpy.array(system_of, "uint32"),
        )

    def describe(self, concept: int, score: float) -> Code:
        """Describe a code.

        concept (int): Its number.
        score (float): Its score.
        RETURNS (Code): The code, its system and its preferred term.
        """
        return Code(
            code=self.codes[concept],
            system=self.systems[int(self.system_of[concept])],
            display=self.displays[concept],
            score=score,
        )

    def to_arrays(self) -> dict[str, NDArray]:
        """RETURNS (dict[str, NDArray]): All of it, as arrays by name."""
        pairs = map("".join, self.normal_form.simplified.items())
        return {
            **self.forms.to_arrays("forms"),
            **self.codes.to_arrays("codes"),
            **self.displays.to_arrays("displays"),
            **self.systems.to_arrays("systems"),
            **PackedStrings.pack(pairs).to_arrays("simplified"),
            "concepts": self.concepts,
            "system_of": self.system_of,
        }

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> "Terminology":
        """Restore a terminology.

        arrays (Mapping[str, NDArray]): The output of `to_arrays`.
        RETURNS (Terminology): The terminology.
        RAISES (KeyError): If an array is missing.
        """
        simplified = PackedStrings.from_arrays("simplified", arrays)
        return cls(
            NormalForms({pair[0]: pair[1] for pair in simplified}),
            PackedStrings.from_arrays("forms", arrays),
            arrays["concepts"],
            PackedStrings.from_arrays("codes", arrays),
            PackedStrings.from_arrays("displays", arrays),
            PackedStrings.from_arrays("systems", arrays),
            arrays["system_of"],
        )
