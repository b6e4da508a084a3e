"""The reference tokenizer: open_clip 3.3.0's SimpleTokenizer in plain Python, from the tokenizer asset alone.

Enters: the content of `tokenizer.safetensors`, and texts. Leaves: int32 token ids, equal to open_clip's for every text
in which ftfy's fix_encoding changes nothing. Swift and Kotlin port this code, so it uses no table or case rule of the
platform.
"""

from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np

from export.text.clean import clean
from export.text.tables import TextTables, checked, text_tables

BYTES = 256
GONE = -1                                # replaces a token that was merged into its left neighbour


@dataclass(frozen=True)
class ClipTokenizer:
    """Turns texts into token ids (export.text.tokenizer.TextTokenizer). `export.text.tokenizer.load` creates it."""

    tables: TextTables
    byte_ids: list[int]                  # of a byte inside a word; the last byte of a word has 256 more
    merges: dict[int, int]               # first id << 16 | second id: the merged id; the lowest merges first
    special: dict[str, int]              # texts of start and end token, each a word with that token
    contractions: tuple[str, ...]        # "'s" and the like: each is a word
    start_token: int
    end_token: int
    pad_token: int
    context_length: int

    def encode(self, text: str) -> np.ndarray:
        """int32 [context_length]: start, the tokens, end, padding. Cuts too long texts, but keeps the end token."""
        room = self.context_length - 2
        tokens: list[int] = []
        for word in self.words(clean(text, self.tables)):
            tokens += self._word_tokens(word)
            if len(tokens) >= room:
                break
        tokens = [self.start_token, *tokens[:room], self.end_token]
        return np.array(tokens + [self.pad_token] * (self.context_length - len(tokens)), np.int32)

    def words(self, text: str) -> list[str]:
        """A cleaned text cut into words; characters that no rule matches (white space, U+0345) are skipped."""
        words = []
        position = 0
        while position < len(text):
            end = self._word_end(text, position)
            if end > position:
                words.append(text[position:end])
            position = max(end, position + 1)
        return words

    def _word_end(self, text: str, start: int) -> int:
        """The end of the word by the first rule that matches at `start`; `start` if no rule matches."""
        for literal in (*self.special, *self.contractions):
            if self._stands_at(text, start, literal):
                return start + len(literal)
        if text[start] in self.tables.letters:
            return self._run_end(text, start, self._is_letter)
        if text[start] in self.tables.numbers:
            return start + 1             # each digit is a word
        return self._run_end(text, start, self._is_other)

    def _stands_at(self, text: str, start: int, literal: str) -> bool:
        """Whether `literal` stands at `start`, ignoring case: in lower-cased text only the long s counts as s."""
        if len(text) - start < len(literal):
            return False
        return all(self.tables.ignore_case.get(text[start + i], text[start + i]) == wanted
                   for i, wanted in enumerate(literal))

    def _is_letter(self, character: str) -> bool:
        return character in self.tables.letters

    def _is_other(self, character: str) -> bool:
        tables = self.tables
        return not (character in tables.letters or character in tables.numbers or character in tables.separators)

    @staticmethod
    def _run_end(text: str, start: int, belongs: Callable[[str], bool]) -> int:
        end = start
        while end < len(text) and belongs(text[end]):
            end += 1
        return end

    def _word_tokens(self, word: str) -> list[int]:
        """Byte pair encoding: merges the neighbours with the lowest merged id first, from left to right.

        A merged id is above the ids of its parts (`read` checks this), so one queue is enough, and a word of n bytes
        takes n log n steps.
        """
        if word in self.special:
            return [self.special[word]]
        tokens = [self.byte_ids[byte] for byte in word.encode()]
        tokens[-1] += BYTES              # the last byte of a word has its own token
        end = len(tokens)
        before, after = list(range(-1, end - 1)), list(range(1, end + 1))        # neighbours that are left
        queue: list[tuple[int, int]] = []
        for left in range(end - 1):
            self._queue_pair(queue, tokens, left, left + 1)
        while queue:
            merged, left = heappop(queue)
            right = after[left]
            if tokens[left] == GONE or right == end or self._merged(tokens[left], tokens[right]) != merged:
                continue                 # an earlier merge changed this pair
            tokens[left], tokens[right] = merged, GONE
            after[left] = after[right]
            if after[left] < end:
                before[after[left]] = left
                self._queue_pair(queue, tokens, left, after[left])
            if before[left] >= 0:
                self._queue_pair(queue, tokens, before[left], left)
        return [token for token in tokens if token != GONE]

    def _queue_pair(self, queue: list[tuple[int, int]], tokens: list[int], left: int, right: int) -> None:
        merged = self._merged(tokens[left], tokens[right])
        if merged is not None:
            heappush(queue, (merged, left))

    def _merged(self, first: int, second: int) -> int | None:
        return self.merges.get(first << 16 | second)


def read(metadata: dict[str, str], tensors: dict[str, np.ndarray]) -> ClipTokenizer:
    """The tokenizer of an opened asset. Raises KeyError for a missing part, ValueError for a damaged one."""
    merges = checked(tensors, "merges", "U16", (None, 2))
    first_merged = 2 * BYTES
    if (merges >= np.arange(first_merged, first_merged + len(merges))[:, None]).any():
        raise ValueError("a merge of tokens that do not exist yet")
    pairs = merges[:, 0].astype(np.int64) << 16 | merges[:, 1]
    byte_ids = checked(tensors, "byte_ids", "U16", (BYTES,))
    if (byte_ids >= BYTES).any():
        raise ValueError(f"byte_ids has a byte's token of {byte_ids.max()}, expected below {BYTES}")
    start_token, end_token = int(metadata["start_token"]), int(metadata["end_token"])
    return ClipTokenizer(
        tables=text_tables(tensors),
        byte_ids=byte_ids.tolist(),
        merges=dict(zip(pairs.tolist(), range(first_merged, first_merged + len(merges)), strict=True)),
        special={metadata["start_text"]: start_token, metadata["end_text"]: end_token},
        contractions=tuple(metadata["contractions"].split(" ")),
        start_token=start_token,
        end_token=end_token,
        pad_token=int(metadata["pad_token"]),
        context_length=int(metadata["context_length"]),
    )
