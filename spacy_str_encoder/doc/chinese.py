"""Chinese texts that a tokenizer of another language leaves whole."""

import re
from dataclasses import dataclass

from spacy.tokens import Doc

CHINESE = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
# In Chinese characters. Words have one to three, a clause that is left whole has more.
LONGEST = 5


@dataclass
class ChineseCounts:
    """Counts of texts, to tell whether their tokens suit Chinese.

    letters (int): Number of letters in any script.
    characters (int): Number of Chinese characters.
    tokens (int): Number of tokens with Chinese characters.
    """

    letters: int = 0
    characters: int = 0
    tokens: int = 0

    def add(self, doc: Doc) -> None:
        """Count a doc.

        doc (Doc): The doc.
        """
        self.letters += sum(map(str.isalpha, doc.text))
        found = [len(CHINESE.findall(token.text)) for token in doc]
        self.characters += sum(found)
        self.tokens += sum(map(bool, found))

    @property
    def length(self) -> float:
        """RETURNS (float): The Chinese characters per token that has any."""
        return self.characters / self.tokens if self.tokens else 0.0

    @property
    def are_whole(self) -> bool:
        """RETURNS (bool): Whether the texts are Chinese, and not split into words."""
        return 2 * self.characters > self.letters and self.length > LONGEST
