"""The training sentences enter; the Unigram vocabulary leaves, and with it the token ids of a text.

sentencepiece learns 8,000 pieces from cleaned training sentences with names put in. No piece crosses the edge of a
name, so that names stay whole in sentences without spaces, too. A text is cleaned as SigLIP cleans it (open_clip's
"canonicalize"), cut into pieces, ended and padded on the right. Training draws one of the many ways to cut. The export
takes the same pieces from `tokenizer.json`.
"""

import io
import random
import re
from functools import cache
from pathlib import Path
from typing import Any

import sentencepiece
from open_clip.tokenizer import get_clean_fn

from demo.world.data import FOLDER, LANGUAGES, UNSPACED, NamedGlyph, read_sentences, sentence_text
from export.common.errors import InputError

MODEL, EXPORTED = FOLDER / "vocabulary.model", FOLDER / "tokenizer.json"
PIECES = 8000
CONTEXT_LENGTH = 32
PAD, END, UNKNOWN = 0, 1, 2
SMOOTHING = 0.2                              # of the drawn ways to cut: 0 draws all alike, 1 as probable as they are
EDGE = "\N{SYMBOL FOR UNIT SEPARATOR}"       # marks the edges of a name; in no text
SENTENCES_A_NAME, SENTENCES_ANOTHER_NAME = 8, 1        # lines for sentencepiece
COVERAGE = 0.9995                            # of the characters; the rarest are unknown
clean = cache(get_clean_fn)("canonicalize")


def corpus(glyphs: list[NamedGlyph], seed: int) -> list[str]:
    """Lines for sentencepiece, the edges of names marked: each name in a few training sentences of its language."""
    chance, sentences = random.Random(seed), read_sentences("training")
    lines = []
    for language in LANGUAGES:
        lines += [clean(sentence_text(sentence, EDGE)) for sentence in sentences[language]]
        for glyph in glyphs:
            for name in glyph.names[language]:
                count = SENTENCES_A_NAME if name == glyph.names[language][0] else SENTENCES_ANOTHER_NAME
                lines += [_marked(clean(sentence_text(sentence, name)), clean(name), language)
                          for sentence in chance.sample(sentences[language], count)]
    return lines


def _marked(text: str, name: str, language: str) -> str:
    """The text with the edges of the name marked; not those at a space or an end where words have spaces."""
    marked = text.replace(name, f"{EDGE}{name}{EDGE}")
    return marked if language in UNSPACED else re.sub(f"(?<![^ ]){EDGE}|{EDGE}(?![^ ])", "", marked)


def learn_vocabulary(glyphs: list[NamedGlyph], seed: int, path: Path = MODEL) -> None:
    """Writes sentencepiece's model file."""
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(corpus(glyphs, seed)), model_writer=written, model_type="unigram", vocab_size=PIECES,
        character_coverage=COVERAGE, pretokenization_delimiter=EDGE, pad_id=PAD, eos_id=END, unk_id=UNKNOWN, bos_id=-1,
        num_threads=1, minloglevel=2)
    path.write_bytes(written.getvalue())


def write_tokenizer(model: Path = MODEL, path: Path = EXPORTED) -> None:
    """Writes the vocabulary as the `tokenizers` library reads it, as models on the hub have it."""
    from sentencepiece import sentencepiece_model_pb2
    from tokenizers import AddedToken, models, normalizers, pre_tokenizers
    from tokenizers import Tokenizer as Reference

    messages: Any = sentencepiece_model_pb2
    content = messages.ModelProto.FromString(model.read_bytes())
    reference = Reference(models.Unigram([(piece.piece, piece.score) for piece in content.pieces], UNKNOWN, False))
    reference.normalizer = normalizers.Precompiled(content.normalizer_spec.precompiled_charsmap)
    reference.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")])
    reference.add_special_tokens([AddedToken(piece.piece, normalized=False, special=True)
                                  for piece in content.pieces[:UNKNOWN + 1]])
    reference.save(str(path), pretty=False)


class Tokenizer:
    """Texts -> rows of token ids, with `vocabulary.model`."""

    def __init__(self, path: Path = MODEL):
        if not path.is_file():
            raise InputError("the vocabulary of demo-world is missing", where=path,
                             remedy="run python -m demo.world vocabulary")
        self.pieces = sentencepiece.SentencePieceProcessor(model_file=str(path))

    def cut(self, text: str) -> list[int]:
        """The ids of a text's pieces, most probable cut."""
        return self.pieces.encode(clean(text))

    def draw_cut(self, text: str) -> list[int]:
        """The ids of one of the ways to cut, drawn by `sentencepiece.set_random_generator_seed`."""
        return self.pieces.encode(clean(text), enable_sampling=True, alpha=SMOOTHING, nbest_size=-1)

    def rows(self, cuts: list[list[int]], shortest: bool = False) -> list[list[int]]:
        """Cuts, ended and padded to the context length, or (`shortest`) to the longest of them."""
        ended = [[*ids[:CONTEXT_LENGTH - 1], END] for ids in cuts]
        length = max(map(len, ended)) if shortest else CONTEXT_LENGTH
        return [ids + [PAD] * (length - len(ids)) for ids in ended]
