"""A small BERT with random weights and one piece per character, as a Hugging Face folder.

It stands in for a pretrained encoder where none can be had. With one piece per character every
entity, wherever it begins and ends, is a whole number of pieces.
"""

from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import WordPiece
from tokenizers.processors import BertProcessing
from transformers import BertConfig, BertModel, BertTokenizerFast

SPECIAL_PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PRINTABLE_ASCII = [chr(code) for code in range(0x21, 0x7F)]
CONTINUATION = "##"
# WordPiece makes one [UNK] of a word that is longer than this: no word may be.
MAX_CHARACTERS_PER_WORD = 1_000_000
# WordPiece's time grows faster than the square of a word's length (4,000 letters: over a second),
# so the tokenizer cuts longer runs into words of this length first.
MAX_RUN_LENGTH = 512
NORMALIZER = normalizers.BertNormalizer(
    clean_text=True, handle_chinese_chars=True, strip_accents=False, lowercase=False
)


def init_encoder(
    texts: Iterable[str],
    output: Path,
    *,
    layers: int = 4,
    width: int = 256,
    heads: int = 4,
    intermediate: int | None = None,
    max_length: int = 512,
    dropout: float = 0.1,
    seed: int = 0,
    force: bool = False,
) -> BertModel:
    """Write a BERT with random weights whose pieces are the characters of the texts.

    texts (Iterable[str]): Texts with every character that the encoder shall know.
    output (Path): The folder to write.
    layers (int): Number of transformer layers.
    width (int): Width of the hidden states.
    heads (int): Number of attention heads; must divide the width.
    intermediate (Optional[int]): Width of the feed-forward layers; None is 4 * width.
    max_length (int): Most pieces in a sequence, including [CLS] and [SEP].
    dropout (float): Dropout of hidden states and attention in training.
    seed (int): Seed of the weights.
    force (bool): Write into a folder that is not empty, replacing files of the same names.
    RETURNS (BertModel): The model that was written.
    RAISES (ValueError): If a size is impossible or the folder must not be written.
    """
    config = build_config(
        layers=layers,
        width=width,
        heads=heads,
        intermediate=4 * width if intermediate is None else intermediate,
        max_length=max_length,
        dropout=dropout,
    )
    check_output(output, force=force)
    vocabulary = build_vocabulary(texts)
    config.vocab_size = len(vocabulary)
    model = build_model(config, seed=seed)
    model.save_pretrained(output)
    build_tokenizer(vocabulary, max_length=max_length).save_pretrained(output)
    return model


def build_config(
    *, layers: int, width: int, heads: int, intermediate: int, max_length: int, dropout: float
) -> BertConfig:
    """Describe the BERT, all but the size of its vocabulary.

    RETURNS (BertConfig): The config.
    RAISES (ValueError): If no BERT can have these sizes.
    """
    check_sizes(layers=layers, width=width, heads=heads, intermediate=intermediate)
    if width % heads:
        raise ValueError(f"heads ({heads}) must divide width ({width})")
    if max_length < 3:
        raise ValueError(f"max_length ({max_length}) must be at least 3: [CLS], one piece, [SEP]")
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout ({dropout}) must be at least 0 and below 1")
    return BertConfig(
        num_hidden_layers=layers,
        hidden_size=width,
        num_attention_heads=heads,
        intermediate_size=intermediate,
        max_position_embeddings=max_length,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
        pad_token_id=SPECIAL_PIECES.index("[PAD]"),
    )


def check_sizes(**sizes: int) -> None:
    """Refuse sizes below 1.

    **sizes (int): The sizes, by the names that the error shall use.
    RAISES (ValueError): If a size is below 1.
    """
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{name} ({size}) must be at least 1")


def check_output(output: Path, *, force: bool) -> None:
    """Refuse an output folder whose files might be lost.

    output (Path): The folder to write.
    force (bool): Allow a folder that is not empty.
    RAISES (ValueError): If the output is a file, or not empty without force.
    """
    if output.exists() and not output.is_dir():
        raise ValueError(f"{output}: is a file; name a folder to write to")
    if not force and output.exists() and any(output.iterdir()):
        raise ValueError(f"{output}: the folder is not empty; name another one or use --force")


def build_vocabulary(texts: Iterable[str]) -> list[str]:
    """List the pieces of a tokenizer that makes one piece of each character.

    A character that BERT splits off by itself begins a word wherever it stands; every other one
    also needs its form inside of a word.

    texts (Iterable[str]): Texts with every character that the vocabulary shall hold.
    RETURNS (list[str]): The pieces, in the order of their ids.
    """
    seen = set(chain(PRINTABLE_ASCII, chain.from_iterable(texts)))
    characters = sorted(filter(is_kept, seen))
    continuations = [CONTINUATION + char for char in characters if not is_split_off(char)]
    return SPECIAL_PIECES + characters + continuations


def is_kept(character: str) -> bool:
    """Does BERT's tokenizer keep this character, rather than drop it as a space or control?

    character (str): One character.
    RETURNS (bool): Whether it reaches the pieces.
    """
    return NORMALIZER.normalize_str(character).strip() != ""


def is_split_off(character: str) -> bool:
    """Does BERT's tokenizer put spaces around this character, as it does for Han characters?

    BERT's ranges are not Unicode's (Kangxi radicals and the ideographic zero are not in them), so
    the tokenizer is asked instead of a table.

    character (str): One character.
    RETURNS (bool): Whether it always is a word of its own.
    """
    return NORMALIZER.normalize_str(character) == f" {character} "


def build_tokenizer(vocabulary: list[str], *, max_length: int) -> BertTokenizerFast:
    """Build the cased tokenizer over a vocabulary of characters.

    The names of special pieces have no meaning in a text: it is data, so a literal [SEP] is five
    characters.

    vocabulary (list[str]): The pieces, in the order of their ids.
    max_length (int): Most pieces in a sequence, including [CLS] and [SEP].
    RETURNS (BertTokenizerFast): The tokenizer.
    """
    return BertTokenizerFast(
        tokenizer_object=build_backend(vocabulary),
        do_lower_case=False,
        strip_accents=False,
        tokenize_chinese_chars=True,
        split_special_tokens=True,
        model_max_length=max_length,
    )


def build_backend(vocabulary: list[str]) -> Tokenizer:
    """Build what tokenizer.json holds: BERT's own steps, with no limit to a word's length.

    vocabulary (list[str]): The pieces, in the order of their ids.
    RETURNS (Tokenizer): The tokenizer without the names of its special pieces.
    """
    ids = {piece: index for index, piece in enumerate(vocabulary)}
    backend = Tokenizer(
        WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=MAX_CHARACTERS_PER_WORD)
    )
    backend.normalizer = NORMALIZER
    cut_long_runs = pre_tokenizers.Split(Regex(f".{{1,{MAX_RUN_LENGTH}}}"), "isolated")
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.BertPreTokenizer(), cut_long_runs]
    )
    backend.post_processor = BertProcessing(("[SEP]", ids["[SEP]"]), ("[CLS]", ids["[CLS]"]))
    backend.decoder = decoders.WordPiece(prefix=CONTINUATION)
    return backend


def build_model(config: BertConfig, *, seed: int) -> BertModel:
    """Build a BERT with fresh weights, and leave torch's global random state as it was.

    The weights are random but for the positions: these begin as sinusoids (Vaswani et al. 2017,
    section 3.5) of the size that BERT's random ones have. So near positions are alike from the
    start, which a small corpus would take long to teach.

    config (BertConfig): The sizes.
    seed (int): The same seed and sizes give the same weights.
    RETURNS (BertModel): The model, without a pooler.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = BertModel(config, add_pooling_layer=False)
    positions = sinusoids(config.max_position_embeddings, config.hidden_size)
    positions *= config.initializer_range / positions.std()
    model.embeddings.position_embeddings.weight.data = positions
    return model


def sinusoids(length: int, width: int) -> torch.Tensor:
    """Sines and cosines of the positions, from fast to slow ones.

    length (int): The number of positions.
    width (int): The number of sines and cosines.
    RETURNS (Tensor): *Shape:* (length, width).
    """
    frequencies = 10000 ** (-torch.arange(0, width, 2) / width)
    angles = torch.arange(length)[:, None] * frequencies
    return torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)[:, :width]
