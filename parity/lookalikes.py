"""Emoji's names in fourteen languages enter; small vocabularies leave that are made as those of real models are.

sentencepiece trains a Unigram model (as SigLIP's and XLM-R's) and byte pair encoding with byte fallback (as Gemma's,
for SigLIP 2); WordPiece gets frequent pieces. Each is written as the file that a model's repository has. No published
vocabulary is needed, so golden ids and tests work without network.
"""

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from export.common.specs import CHINESE_CLIP_TEXT, SIGLIP2_TEXT, SIGLIP_TEXT, XLM_R_TEXT, TextSpec
from export.text.assets.gemma_bpe_asset import BYTES
from export.text.assets.version2 import HAN, SPACE_MARK
from export.text.assets.wordpiece_asset import PREFIX, SPECIAL
from export.text.families import FAMILIES

SIZES = {"unigram": 1500, "gemma-bpe": 1200}     # pieces of sentencepiece's models; a few more are special
EACH = 5                                         # of so many names one is taken: training takes seconds
GRID = 256                                       # scores are whole multiples of 1 / GRID, so that no sum's order counts
WORDS, WORD = 900, 6                             # pieces of WordPiece that are longer than a character, and the longest
SENTENCES = ("{}", "a photo of a red {} for women", "size 42 {} in blue, $19.99", "rotes Kleid mit {}",
             "robe d'\u00e9t\u00e9 {}", "\u7ea2\u8272\u8fde\u8863\u88d9 {}", "\u8d64\u3044{}",
             "\u043a\u0440\u0430\u0441\u043d\u043e\u0435 {}")


@dataclass(frozen=True)
class LookAlike:
    """A vocabulary in a file, and the text side of a model that would use it."""

    text: TextSpec
    vocabulary: Path


@cache
def sentences() -> tuple[str, ...]:
    """What the vocabularies are made from: names of emoji in the languages that the package has, some in sentences."""
    import emoji

    emoji.config.load_language()             # all of them
    names = [entry[language].strip(":").replace("_", " ") for entry in emoji.EMOJI_DATA.values()
             for language in emoji.LANGUAGES if language in entry]
    return tuple(SENTENCES[place % len(SENTENCES)].replace("{}", name) if place % 3 == 0 else name
                 for place, name in enumerate(list(dict.fromkeys(names))[::EACH]))


def trained(**options: Any) -> Any:
    """sentencepiece's model of the sentences, as its protocol buffer. One thread: the same bytes at every call."""
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2

    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences()), model_writer=written, num_threads=1, minloglevel=2, **options)
    return sentencepiece_model_pb2.ModelProto.FromString(written.getvalue())


@cache
def unigram_model() -> tuple[list[tuple[str, float]], bytes]:
    """The normal pieces with their scores, and the character map."""
    model = trained(model_type="unigram", vocab_size=SIZES["unigram"], character_coverage=0.98)
    pieces = [(piece.piece, round(piece.score * GRID) / GRID) for piece in model.pieces if piece.type == piece.NORMAL]
    return pieces, model.normalizer_spec.precompiled_charsmap


def siglip(folder: Path) -> LookAlike:
    """A `tokenizer.json` such as SigLIP's: pad, end and unknown come first."""
    first = ["<pad>", "</s>", "<unk>"]
    return _unigram(folder, SIGLIP_TEXT, first, [], unknown=2)


def xlm_r(folder: Path) -> LookAlike:
    """A `tokenizer.json` such as XLM-R's: start, pad, end and unknown come first, the mask last."""
    return _unigram(folder, XLM_R_TEXT, ["<s>", "<pad>", "</s>", "<unk>"], ["<mask>"], unknown=3)


def _unigram(folder: Path, text: TextSpec, first: list[str], last: list[str], unknown: int) -> LookAlike:
    from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers

    normal, charsmap = unigram_model()
    pieces = [*((name, 0.0) for name in first), *normal, *((name, 0.0) for name in last)]
    made = Tokenizer(models.Unigram(pieces, unknown, False))
    made.normalizer = normalizers.Precompiled(charsmap)
    made.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(SPACE_MARK, prepend_scheme="always")])
    made.add_special_tokens([AddedToken(name, normalized=False, special=True) for name in (*first, *last)])
    return _saved(made, folder, replace(text, vocabulary=len(pieces)))


def _saved(made: Any, folder: Path, text: TextSpec) -> LookAlike:
    path = folder / str(FAMILIES[text.family].vocabulary)
    folder.mkdir(parents=True, exist_ok=True)
    made.save(str(path))
    return LookAlike(text, path)


def bpe_model() -> Any:
    """sentencepiece's byte pair encoding: spaces are kept, no mark is put in front."""
    return trained(model_type="bpe", vocab_size=SIZES["gemma-bpe"], character_coverage=0.98, byte_fallback=True,
                   normalization_rule_name="identity", add_dummy_prefix=False, remove_extra_whitespaces=False,
                   pad_id=0, eos_id=1, bos_id=2, unk_id=3, pad_piece="<pad>", eos_piece="<eos>", bos_piece="<bos>")


def siglip2(folder: Path) -> LookAlike:
    """A `tokenizer.json` such as SigLIP 2's, with every merge that makes a piece of two pieces, in the order of ids."""
    from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers

    pieces = [piece.piece for piece in bpe_model().pieces]
    first = pieces[:4]
    ids = {piece: token for token, piece in enumerate(pieces)}
    merges = [(piece[:cut], piece[cut:]) for piece in pieces if piece not in first and piece not in BYTES
              for cut in range(1, len(piece)) if piece[:cut] in ids and piece[cut:] in ids]
    made = Tokenizer(models.BPE(vocab=ids, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    made.normalizer = normalizers.Replace(" ", SPACE_MARK)
    made.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    made.add_special_tokens([AddedToken(name, normalized=False, special=True) for name in first])
    return _saved(made, folder, replace(SIGLIP2_TEXT, vocabulary=len(pieces)))


def chinese_clip(folder: Path) -> LookAlike:
    """A `vocab.txt` such as Chinese-CLIP's: special pieces, ASCII and Han characters, frequent pieces of words."""
    counts: Counter[str] = Counter()
    characters = {chr(code) for code in range(0x21, 0x7F)} - {*"ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
    for word in " ".join(sentences()).lower().split():
        latin = word.isascii() and word.isalpha()
        characters |= {one for one in word if any(first <= ord(one) <= last for first, last in HAN[1:2])}
        counts.update(("" if start == 0 else PREFIX) + word[start:end] for start in range(len(word)) if latin
                      for end in range(start + 2, min(len(word), start + WORD) + 1))
    common = sorted(counts, key=lambda piece: (-counts[piece], piece))[:WORDS]
    letters = [PREFIX + letter for letter in "abcdefghijklmnopqrstuvwxyz0123456789"]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / str(FAMILIES["wordpiece"].vocabulary)
    pieces = [*SPECIAL, *sorted(characters), *letters, *common]
    path.write_bytes("".join(f"{piece}\n" for piece in pieces).encode())
    text = replace(CHINESE_CLIP_TEXT, start_token=SPECIAL.index("[CLS]"), end_token=SPECIAL.index("[SEP]"),
                   vocabulary=len(pieces))
    return LookAlike(text, path)


MAKERS: Mapping[str, Any] = MappingProxyType({"siglip": siglip, "siglip2": siglip2, "chinese-clip": chinese_clip,
                                              "xlm-r": xlm_r})


def made(names: Sequence[str], folder: Path) -> dict[str, LookAlike]:
    """The look-alikes of these models, each in a folder of its own."""
    return {name: MAKERS[name](folder / name) for name in names}
