"""A seed enters; texts that break tokenizers leave: every script, broken entities, quotes, escapes, joiners, controls."""

import random
from html.entities import html5

# ruff: noqa: E501 (the table of texts)

HOSTILE = [
    "", " ", "\n", "a", "A", "é", "👗", "1", "'", "''", "&", "<", ";", "\x00", "\ufffd", "\u0345", "\u0301", "\x1b", "\x85",
    "a photo of a red summer dress", "A PHOTO OF A DRESS", "it's don't we're I've I'm they'll he'd", "'S 'T 'RE 'VE 'M",
    "''s 's's s's 'sa x'll", "!'s", "it\u2019s \u2018quoted\u2019 \u201cdouble\u201d \u201alow\u201b \u02bcapostrophe",
    "'\u017f \u017f \u017ft x'\u017f", "\u212a \u212b \u00b5 \u2126", "\u0130stanbul I\u0131i\u0307",
    "\u039f\u0394\u039f\u03a3 \u039f\u0394\u039f\u03a3. \u03a3 \u03a3\u03a3 a\u03a3b a\u03a3 \u03a3a 1\u03a3",
    "\u0391'\u03a3' \u0391\u00ad\u03a3\u00ad\u0391 \u0391\u0345\u03a3\u0345 \u0391:\u03a3", "STRASSE stra\u00dfe \u1e9e",
    "r\u00e9sum\u00e9", "re\u0301sume\u0301", "e\u0323\u0302 e\u0302\u0323 \u1ec7", "a\u0315\u0300\u05ae\u0300b", "\u0344 \u0958 \u1fef",
    "\u1100\u1161\u11a8 \uac00\u11a8 \ud55c\uae00 \u1112\u1161\u11ab \u1100\u1161\u11a7 \u1100\u0301\u1161", "\u09c7\u09be \u0b92\u0bd7",
    "&amp;", "&amp;amp;", "&amp;amp;amp;amp;lt;", "&lt;b&gt;", "<b>&amp;</b>", "&amp;\n<\n&amp;amp;amp;", "&AMP; &EACUTE; &eACUTE;",
    "&szlig;&SZLIG;&fjlig;&NotEqualTilde;", "&notit; &not &notin &notin; &copy2 &Copy", "&CounterClockwiseContourIntegral;",
    "&#39;&#x27;&#X27;&#59;&#x3B;&#38;#38;", "&#0;&#1;&#11;&#13;&#128;&#129;&#133;&#150;&#xD800;&#x110000;&#99999999999999999999999999;",
    "&#12ab;&#x;&#xg;&#;&#a;&;& ;&#x1F457", "&#xfdd0;x&#xffff;&#x1fffe;", "&nbsp;x&nbsp", "&gtx &ltx &quotx", "&ampamp;lt;", "&amp\u037e",
    "&" + "a" * 40 + ";", "&not" + "x" * 40, "&lt" * 30, "&\u00e9;&eacute\u00e9;", "dress&trousers &shirt=1&amp;x",
    "\x1b[31mred\x1b[0m", "\x1b[1;31mx", "\x1b[", "\x1b[3", "\x1b[3~", "\x1b[\u0663m\u0661", "\x1b\x1b[m[m", "\x1b[m" * 5,
    "\ufb01ne \ufb00 \ufb03 \ufb04 \ufb05 \ufb06 \u0132 \u0133 \u0149 \u01c4 \u01c5 \u01f1", "\u00e6 \u0153 \u00bd \u00b3 \u2167 \u24d0",
    "\uff21\uff22\uff23\u3000\uff11\uff01 \uff76\uff9e\uff8a\uff9f \uffe3 \uffe6 \uffa1\uffc2 \uff06amp;", "\uff1cb\uff1e &amp;",
    "a\tb\r\nc\rd\x0be\x0cf\x1cg\x1dh\x1ei\x1fj\u0085k\u00a0l\u1680m\u2003n\u2028o\u2029p\u202fq\u205fr\u3000s\u200bt\ufeffu",
    "\u200d\u200c\u00ad\u2060 \u061c \u202ea\u202c \u180e", "\ufff9a\ufffab\ufffb\ufffc \u206a \u007f \x07 \x9d \x81", "\x80\x91\x92\x99 C1",
    "0123456789 3.14 1,000 2\u00b2 \u0663\u0664 \u0967 \u4e00\u4e8c \u2460 \U0001d7d8", "50% $9.99 #1 @home a_b a-b a/b http://x.y/?z=1",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea \u270a\U0001f3fd \u2764\ufe0f 1\ufe0f\u20e3", "\U0001f457" * 40,
    "\u8d64\u3044\u30c9\u30ec\u30b9 \u7ea2\u8272\u8fde\u8863\u88d9 \ube68\uac04 \ub4dc\ub808\uc2a4", "\u0641\u0633\u062a\u0627\u0646 \u0623\u062d\u0645\u0631 \u0651\u064e",
    "\u0e0a\u0e38\u0e14\u0e40\u0e14\u0e23\u0e2a\u0e2a\u0e35\u0e41\u0e14\u0e07", "\u0932\u093e\u0932 \u092a\u094b\u0936\u093e\u0915", "\u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd",
    "\u043a\u0440\u0430\u0441\u043d\u043e\u0435 \u041f\u041b\u0410\u0422\u042c\u0415 \u0439 \u0438\u0306", "\u10a0\u1c90\u13a0\uab70 \U00010400 \U0001e900 \u2c2f",
    "<start_of_text>", "<end_of_text>", "<START_OF_TEXT>a<End_Of_Text>", "<|startoftext|>", "<\u017ftart_of_text>", "x<end_of_text>",
    "!<end_of_text>", "&lt;end_of_text&gt;", "<end_of_text", "\ud800", "\udfff\ud800", "\ud83d\udc57", "\ud83d&#1;\udc57", "\ud83d\x00\udc57",
    "x" * 3000, "1" * 200, "!" * 200, "ab " * 500, "\u0301" * 100, "e" + "\u0301\u0323" * 60, "\u03a3" * 90, "'" * 150, "&amp;" * 90,
    "&" + "amp;" * 60, "supercalifragilisticexpialidocious " * 9, "\U0010ffff\U000e0001\ue000\U000f0000",
]
FRAGMENTS = [
    "'s", "'t", "'re", "'\u017f", "<start_of_text>", "<END_OF_TEXT>", "&amp;amp;", "&lt;", "&gt", "&#39;", "&#x3b;", "&notit;", "&EACUTE;",
    "&#128;", "&#xD83D;", "&", "&#", "&;", "\x1b[31m", "\x1b[", "\r\n", "\n", "<", "don't", "r\u00e9sum\u00e9", "\u039f\u0394\u039f\u03a3", "\u037e",
    "a photo of a ", "dress", "\u017f", "\u0130", "\ufb01", "\uff21", "\u0345", "\u2019", "\u201c", "\ud83d", "\udc57", "\u1100\u1161\u11a8",
    "e\u0323\u0302", "\u3000", "\xa0", "\x85", "\x92", "\ufeff", "\u4e2d\u6587", "\u0661", "\u00b2",
]

# What shoppers and their keyboards send.
SCRIPTS = [
    "rotes Kleid", "robe d'\u00e9t\u00e9 rouge", "vestido rojo de ni\u00f1a", "k\u0131rm\u0131z\u0131 elbise \u0130stanbul", "\u0111\u1ea7m \u0111\u1ecf", "\u03ba\u03cc\u03ba\u03ba\u03b9\u03bd\u03bf \u03c6\u03cc\u03c1\u03b5\u03bc\u03b1",
    "\u0431\u0435\u043b\u044b\u0435 \u043a\u0440\u043e\u0441\u0441\u043e\u0432\u043a\u0438", "\u05e9\u05de\u05dc\u05d4 \u05d0\u05d3\u05d5\u05de\u05d4", "\u0641\u0633\u062a\u0627\u0646 \u0623\u062d\u0645\u0631", "\u0932\u093e\u0932 \u0915\u092a\u0921\u093c\u0947", "\u0e40\u0e2a\u0e37\u0e49\u0e2d\u0e2a\u0e35\u0e41\u0e14\u0e07", "\u8d64\u3044\u9774",
    "\u7ea2\u8272\u8fd0\u52a8\u978b", "\ube68\uac04 \uc6b4\ub3d9\ud654", "\u10ec\u10d8\u10d7\u10d4\u10da\u10d8", "\u12a0\u12f0\u1228\u1348 \u1240\u1218\u1235", "\u1780\u17d2\u179a\u17a0\u1798", "\u0b9a\u0bbf\u0bb5\u0baa\u0bcd\u0baa\u0bc1",
]
TYPED = [
    "t-shirt", "T SHIRT", "women's size 42", "women\u2019s size 42", "27\" monitor", "27\u2033 monitor", "5.5 x 3.2cm", "1/2 litre", "\u00bd litre", "50 % off!!", "#summer @shop", "\u00a312.99", "\u20ac12,99",
    "  two  spaces  ", "tab\there", "line\nbreak", "cr\r\nlf", "non\u00a0breaking", "zero\u200bwidth", "soft\u00adhyphen", "left\u200eright\u200fmarks", "\ufeffbom", "na\u00efve caf\u00e9", "nai\u0308ve cafe\u0301", "AT&T", "AT&amp;T", "Ben &amp;amp; Jerry",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466", "\U0001f469\U0001f3fd\u200d\U0001f680", "\U0001f3f3\ufe0f\u200d\U0001f308", "\u2764\ufe0f\u200d\U0001f525 \u2764", "\U0001f1eb\U0001f1f7\U0001f1ef\U0001f1f5", "0\ufe0f\u20e3 9\u20e3", "\u263a\ufe0e \u263a\ufe0f",
    "don't can't won't I'd you'll we've they're she's", "DON'T CAN'T", "rock 'n' roll", "o'clock", "'quoted'", "\u201cdouble\u201d \u2018single\u2019 \u00abguillemets\u00bb", "dash - en \u2013 em \u2014 bar \u2015 minus \u2212", "wait\u2026 wait...",
]

# What breaks the families of tokenizers beside CLIP's: clusters whose first character has a shorter or a longer form, marks
# after controls, spaces that only a character map makes, signs of the vocabularies themselves, forms of one word.
CLUSTERS = [
    "\u00b2\u0301", "x\u00b2\u0301\u0301y", "\u0600\u00b2\u0301", "\u00b2\u200d", "\u00bd\u0308", "\u200b\u0344\u0301", "\ufeff\u0344\u0301", "\u0344\u0301", "\u00e9\u0344\u0301",
    "\u2122\u0301", "\u33a5\u0301 \u338f", "\u00a9\u200d\u00a9", "\u0e33\u0e48", "\u0915\u094d\u0937\u093f", "\u06dd1\u0301", "\u110bd\u0301", "\U000110bd\u00b2\u0301", "\uff76\uff9e\u0301", "\uac00\u0301",
    "a\u200bb", "a\u200b\u200bb \u200b", "\u200b", "\u2028x\u2029y", "\u2581", "a\u2581b", "\u2581\u2581a", "a \u2581", "##ing", "[CLS] [UNK] [MASK]", "[unused1]", "<0x41>",
    "a_b__c", "_", "\u0130\u0307 \u0390", "\u03a3_\u03a3", "a\u03a3, b", "\u017f\u212a", "a\tb", "\x1fa\x1cb", "a\u0085b", "x" * 200, "x" * 201, "dress" * 41, "\u0e01" * 202,
    "\U0001f9ff\U0001f9ff \u4e00\U00020000\U0002fa1d\U0002ebf0", "\u9fff\u9ffd\ua000", "\U0001fae8 \U0001f6dc \U0001e030 \u0cf3 \U00011f45", "\u2e5d \u1b7e", "\u1fef`\u00b4",
    "\u7ea2\u8272dress\u88d9\u5b50", "\u7ea2\u8272 \uff11\uff12\u53f7\u3002", "\u304c\u304b\u3099", "\u30d1\u30cf\u309a", "\u0344\u0130", "\ud83d\udc57".encode("utf-16", "surrogatepass").decode("utf-16"),
]


def decoding_is_repaired(text: str) -> bool:
    """Whether ftfy's fix_encoding, which the tokenizer asset leaves out, changes the text."""
    import ftfy

    return ftfy.fix_text(text) != ftfy.fix_text(text, ftfy.TextFixerConfig(explain=False, fix_encoding=False))


def lengths(context_length: int) -> list[str]:
    """Texts of one token, of numbers of tokens around the limit, and of many."""
    return [" ".join(["dress"] * words) for words in (1, *range(context_length - 4, context_length + 1), 300)]


def listed(context_length: int) -> list[str]:
    """The hand-made texts, alone and inside others, and lengths around a limit of tokens; each once."""
    within = [frame.replace("{}", text) for text in HOSTILE if len(text) < 40
              for frame in ("a {} b", "x{}x")]
    return list(dict.fromkeys([*HOSTILE, *lengths(context_length), *SCRIPTS, *TYPED, *within]))


def generate(count: int, seed: int = 0) -> list[str]:
    """`count` random texts that ftfy would not repair: for these the contract promises equal ids."""
    source = random.Random(seed)
    texts: list[str] = []
    while len(texts) < count:
        text = random_text(source)
        if not decoding_is_repaired(text):
            texts.append(text)
    return texts


def clustered(count: int, seed: int = 0) -> list[str]:
    """`count` random texts of clusters and pieces of other texts, for which the contract promises equal ids."""
    source = random.Random(seed)
    marks, keyed = "\u0301\u0344\u0327\u200d\ufe0f\u0e48\u093c\u3099", "\u00b2\u00bd\u00e9\u0600\u2122\u200b\ufb01\u3300\uff76ae\u06dd"
    texts: list[str] = []
    while len(texts) < count:
        parts = []
        for _ in range(source.choice((1, 2, 3, 5, 8))):
            kind = source.random()
            if kind < 0.5:
                parts.append(source.choice(keyed) + "".join(source.choices(marks, k=source.randint(0, 3))))
            elif kind < 0.8:
                parts.append(source.choice(CLUSTERS)[:source.randint(1, 12)])
            else:
                parts.append(" " + source.choice([*SCRIPTS, *TYPED]))
        text = "".join(parts)
        if not decoding_is_repaired(text):
            texts.append(text)
    return texts


def random_text(source: random.Random) -> str:
    """One text of 1 to 30 pieces, many of them broken."""
    parts = []
    for _ in range(source.choice((1, 2, 3, 5, 8, 13, 30))):
        kind = source.random()
        if kind < 0.4:
            parts.append(source.choice(FRAGMENTS))
        elif kind < 0.5:
            parts.append("&" + source.choice(list(html5)[:400])[:source.randint(1, 9)])
        elif kind < 0.6:
            parts.append(source.choice(("&#", "&#x")) + str(source.randint(0, 99999)) + source.choice((";", "")))
        elif kind < 0.8:
            parts.append(chr(source.randint(0, source.choice((0x7F, 0x3FF, 0xFFFF, 0x10FFFF)))))
        else:
            parts.append(" " + "".join(source.choices("abcdefgHIJKLMN'0123.", k=source.randint(1, 9))))
    return "".join(parts)
