"""Create a small BERT with random weights and one piece per character, as a Hugging Face folder.

Use it if you have no pretrained encoder. With one piece per character, every entity consists of
whole pieces, wherever it starts and ends.
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
# WordPiece replaces longer words by a single [UNK], so this is beyond the length of any word.
MAX_CHARACTERS_PER_WORD = 1_000_000
# The run time of WordPiece grows faster than the square of a word's length (4,000 letters take over
# a second), so the tokenizer first cuts longer runs into words of this length.
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

    texts (Iterable[str]): Texts with all characters that the encoder must know.
    output (Path): The folder to write to.
    layers (int): The number of transformer layers.
    width (int): The width of the hidden states.
    heads (int): The number of attention heads, which must divide the width.
    intermediate (int | None): The width of the feed-forward layers; 4 * width if None.
    max_length (int): The maximum number of pieces in a sequence, including [CLS] and [SEP].
    dropout (float): The dropout of hidden states and attention during training.
    seed (int): The random seed of the weights.
    force (bool): Whether to write to a folder that is not empty and replace files in it.
    RETURNS (BertModel): The model.
    RAISES (ValueError): If a size is invalid, or the folder is not empty and `force` is not set.
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
    """Build the config of the BERT, without the size of its vocabulary.

    layers (int): The number of transformer layers.
    width (int): The width of the hidden states.
    heads (int): The number of attention heads.
    intermediate (int): The width of the feed-forward layers.
    max_length (int): The maximum number of pieces in a sequence.
    dropout (float): The dropout of hidden states and attention.
    RETURNS (BertConfig): The config.
    RAISES (ValueError): If a size is invalid.
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
    """Check that sizes are at least 1.

    **sizes (int): The sizes, by their names in the error message.
    RAISES (ValueError): If a size is below 1.
    """
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{name} ({size}) must be at least 1")


def check_output(output: Path, *, force: bool) -> None:
    """Check that writing to a folder does not replace files by accident.

    output (Path): The folder to write to.
    force (bool): Whether to allow a folder that is not empty.
    RAISES (ValueError): If the output is a file, or not empty without force.
    """
    if output.exists() and not output.is_dir():
        raise ValueError(f"{output}: the output must be a folder, but is a file")
    if not force and output.exists() and any(output.iterdir()):
        raise ValueError(f"{output}: the folder is not empty; choose another one or use --force")


def build_vocabulary(texts: Iterable[str]) -> list[str]:
    """List the pieces of a tokenizer with one piece per character.

    A character that BERT splits off always starts a word. All other characters also need a piece
    for positions within a word.

    texts (Iterable[str]): Texts with all characters that the vocabulary must contain.
    RETURNS (list[str]): The pieces, in the order of their ids.
    """
    seen = set(chain(PRINTABLE_ASCII, chain.from_iterable(texts)))
    characters = sorted(filter(is_kept, seen))
    continuations = [CONTINUATION + char for char in characters if not is_split_off(char)]
    return SPECIAL_PIECES + characters + continuations


def is_kept(character: str) -> bool:
    """Check if BERT's tokenizer keeps a character and does not drop it as a space or control.

    character (str): One character.
    RETURNS (bool): Whether the character is kept.
    """
    return NORMALIZER.normalize_str(character).strip() != ""


def is_split_off(character: str) -> bool:
    """Check if BERT's tokenizer puts spaces around a character, as around Han characters.

    BERT's ranges differ from Unicode's (they lack Kangxi radicals and the ideographic zero), so the
    tokenizer itself is used and no table.

    character (str): One character.
    RETURNS (bool): Whether the character is always a word of its own.
    """
    return NORMALIZER.normalize_str(character) == f" {character} "


def build_tokenizer(vocabulary: list[str], *, max_length: int) -> BertTokenizerFast:
    """Build a cased tokenizer for a vocabulary of characters.

    The names of special pieces have no special meaning within a text: a literal [SEP] is five
    characters.

    vocabulary (list[str]): The pieces, in the order of their ids.
    max_length (int): The maximum number of pieces in a sequence, including [CLS] and [SEP].
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
    """Build the content of tokenizer.json: the steps of BERT, without a limit on word length.

    vocabulary (list[str]): The pieces, in the order of their ids.
    RETURNS (Tokenizer): The tokenizer, without the names of its special pieces.
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
    """Build a BERT with random weights, without changing torch's global random state.

    The weights are random except for the positions, which start as sinusoids (Vaswani et al. 2017,
    section 3.5) with the standard deviation of BERT's random ones. So nearby positions are similar
    from the start, which would take long to learn from a small corpus.

    config (BertConfig): The config.
    seed (int): The random seed. The same seed and config give the same weights.
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
    """Compute sines and cosines of positions, from high to low frequencies.

    length (int): The number of positions.
    width (int): The number of sines and cosines.
    RETURNS (Tensor): The sinusoids. *Shape:* (length, width).
    """
    frequencies = 10000 ** (-torch.arange(0, width, 2) / width)
    angles = torch.arange(length)[:, None] * frequencies
    return torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)[:, :width]
