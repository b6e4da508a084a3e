"""Names and training sentences enter; batches of token ids and glyph numbers leave, the same for a seed and a step.

A text is a bare name, a training sentence, or the beginning of one and the end of another. Numbers vary. What the model
has not learned must not disturb it: so words of other sentences, strange words and stray pieces come between.
"""

import random
import re
from functools import cache

import sentencepiece
import torch
from torch import Tensor

from demo.world.data import LANGUAGES, UNSPACED, NamedGlyph, read_sentences, sentence_text
from demo.world.pieces import Tokenizer

BARE, COMPOSED = 0.15, 0.35                  # shares of the texts; the others are whole training sentences
FIRST_NAME = 0.75                            # share of the texts with CLDR's short name
DRAWN = 0.4                                  # share of the texts that are cut by chance, not in the most probable way
# How often a text is in each language: the four with Latin letters share pieces, and need more texts than the others.
RATES = {"en": 3, "zh-Hans": 1, "zh-Hant": 1, "ja": 2, "ko": 2, "es": 3, "de": 3, "fr": 3}
SHOP_SHARE = 0.65                            # of a batch's glyphs that the shop sells
WORD_NOISE, STRANGE_NOISE, PIECE_NOISE = 0.25, 0.15, 0.08        # chances
NAME_MARK = re.compile(r"\{name\}|\{a\}")
HIRAGANA, KATAKANA, HAN = (0x3041, 0x3094), (0x30A1, 0x30FB), (0x4E00, 0x9FA6)
HANGUL = (0xAC00, 0xD7A4)
LETTERS = {"zh-Hans": (HAN,), "zh-Hant": (HAN,), "ja": (HIRAGANA, KATAKANA, HAN), "ko": (HANGUL,)}
LATIN = ("en", "es", "de", "fr")
PARTS = 4                                    # of a batch, by length, so that few tokens are pads
STEPS_APART = 1_000_003                      # between the seeds of two runs


class TextBatches:
    """`batch(step)` is some parts of (ids int64 [n, L], numbers int64 [n]); the shop has the first `sold` glyphs."""

    def __init__(self, glyphs: list[NamedGlyph], sold: int, size: int, seed: int):
        self.glyphs, self.sold, self.size, self.seed = glyphs, sold, size, seed
        self.sentences, self.tokenizer = read_sentences("training"), Tokenizer()
        self.words = {language: _words(language, self.sentences[language]) for language in LANGUAGES}

    def batch(self, step: int) -> list[tuple[Tensor, Tensor]]:
        """The batch of a step, from its own seed, so that a run can go on anywhere. Short texts come first."""
        chance = random.Random(f"{self.seed} {step}")
        sentencepiece.set_random_generator_seed((self.seed * STEPS_APART + step) % 2 ** 32)
        numbers = [chance.randrange(self.sold) if chance.random() < SHOP_SHARE
                   else chance.randrange(self.sold, len(self.glyphs)) for _ in range(self.size)]
        cuts = [self._cut(self._text(self.glyphs[number], chance), chance) for number in numbers]
        pairs = sorted(zip(cuts, numbers, strict=True), key=lambda pair: len(pair[0]))
        parts = [pairs[start:start + self.size // PARTS] for start in range(0, self.size, self.size // PARTS)]
        return [(torch.tensor(self.tokenizer.rows([cut for cut, _ in part], shortest=True)),
                 torch.tensor([number for _, number in part])) for part in parts]

    def _text(self, glyph: NamedGlyph, chance: random.Random) -> str:
        language = chance.choices(LANGUAGES, [RATES[one] for one in LANGUAGES])[0]
        names = glyph.names[language]
        name = names[0] if chance.random() < FIRST_NAME else chance.choice(names)
        kind = chance.random()
        if kind < BARE:
            return name
        sentence = chance.choice(self.sentences[language])
        if kind < BARE + COMPOSED:
            before, mark = _halves(sentence)[:2]
            sentence = before + mark + _halves(chance.choice(self.sentences[language]))[2]
        sentence = re.sub(r"\d+", lambda _: _number(chance), sentence)
        return sentence_text(self._disturb(sentence, language, chance), name)

    def _disturb(self, sentence: str, language: str, chance: random.Random) -> str:
        """The sentence, perhaps with one or two words of others or strange ones, at its ends or beside the name."""
        before, mark, after = _halves(sentence)
        space = "" if language in UNSPACED else " "
        for rate, draw in ((WORD_NOISE, self._known_word), (STRANGE_NOISE, self._strange_word)):
            if chance.random() < rate:
                word = draw(language, chance)
                place = chance.randrange(4)
                if place == 0:
                    before = word + space + before
                elif place == 1:
                    before = before + word + space
                elif place == 2 and "/" not in after:        # a particle stays with its name
                    after = space + word + after
                else:
                    after = after + space + word
        return before + mark + after

    def _known_word(self, language: str, chance: random.Random) -> str:
        return chance.choice(self.words[language])

    def _strange_word(self, language: str, chance: random.Random) -> str:
        """A word without a meaning: letters by chance, or beginning and end of two words that have Latin letters."""
        if language in LETTERS:
            first, end = chance.choice(LETTERS[language])
            return "".join(chr(chance.randrange(first, end)) for _ in range(chance.randint(1, 3)))
        one, other = (chance.choice(self.words[chance.choice(LATIN)]) for _ in range(2))
        return one[:(len(one) + 1) // 2] + other[len(other) // 2:]

    def _cut(self, text: str, chance: random.Random) -> list[int]:
        ids = self.tokenizer.draw_cut(text) if chance.random() < DRAWN else self.tokenizer.cut(text)
        if chance.random() < PIECE_NOISE:
            for _ in range(chance.randint(1, 2)):
                ids.insert(chance.randint(0, len(ids)), chance.randrange(2, self.tokenizer.pieces.get_piece_size()))
        return ids


def _number(chance: random.Random) -> str:
    return str(chance.choice((chance.randint(1, 20), 5 * chance.randint(1, 60))))


@cache
def _halves(sentence: str) -> tuple[str, str, str]:
    """What stands before the name, the mark of the name, and what stands after it."""
    mark = NAME_MARK.search(sentence)
    assert mark is not None, sentence
    return sentence[:mark.start()], mark[0], sentence[mark.end():]


def _words(language: str, sentences: list[str]) -> list[str]:
    """Words of the sentences; where words have no spaces, one to four neighbouring characters."""
    parts = [part for sentence in sentences for part in re.split(r"\{[^}]*\}", sentence) if part.strip()]
    if language not in UNSPACED:
        return sorted({word for part in parts for word in part.split()})
    return sorted({part[start:start + length] for part in parts for length in range(1, 5)
                   for start in range(len(part) - length + 1)})
