"""The sentences around a name: some for training, and others, which training does not use, for the queries.

In: a glyph's name or another of its names. Out: one line of text. `{name}` is the name as it stands, `{a}` has its
article. No query template is ever a training template; `tests/test_demo.py` checks it.
"""

import random

TRAINING_TEMPLATES = (
    "{name}", "{name}", "{a}", "the {name}", "a photo of {a}", "a picture of {a}", "an image of {a}",
    "a drawing of {a}", "a small picture of {a}", "a close-up of {a}", "a photo of the {name}", "one {name}",
    "my {name}", "our {name}", "this is {a}", "here is {a}", "there is {a} in the picture", "{a} on a white table",
    "{a} on a coloured background", "{a} in front of a wall", "{a} in the shop window", "new {name}", "used {name}",
    "buy {a}", "buy {name} online", "{name} for sale", "order {a} today", "I want {a}", "I want to buy {a}",
    "I am looking for {a}", "looking for {name}", "can you find {a} for me", "please find me {a}", "find {name}",
    "a good {name}", "a beautiful {name}", "a big {name}", "a little {name}", "best {name}", "{name} at a low price",
    "{name} price", "how much is {a}?", "{name} for children", "{name} for my kitchen", "{name} as a present",
    "a present: {a}", "product: {name}", "{name} in our store", "{name}, good quality", "in stock: {name}",
    "we have {a} in stock", "do we have {name}?", "have you seen {a}?", "a toy {name}", "{name} from the market",
    "it looks like {a}", "the picture shows {a}", "icon of {a}", "emoji of {a}", "{name} emoji", "sticker with {a}",
    "{a} with free returns, delivered to your home within three working days",
)

SHOP_TALK = (                                # later stages train on these, too
    "{name} for less than 15 dollars", "{name} below 50 pounds", "{name} up to 100 dollars",
    "{name}, 10 percent off", "{name} 2 pieces", "{name} size 40", "{name} in blue", "{name} 500 g",
    "a gift: {a}", "gifts for kids: {name}", "present for a friend: {name}",
    "top offer {name}", "special offer: {name}", "winter sale {name}",
    "compare prices of {name}", "reviews of {name}", "hello, I would like {a}, thank you", "anything like {a} here?",
    "is there {a} for my brother", "{name} for my grandmother", "{name} and fast shipping", "{name} with a guarantee",
    "the cheapest {name} in town", "which {name} is good", "we sell {name}", "please bring {a} on Monday",
    "I have lost my {name}", "{name} near me", "picture search {name}", "category {name}", "{name} catalog",
)

QUERY_TEMPLATES = (
    "where can I get {a}", "do you sell {a}?", "show me {a}", "{name} for my sister", "I need {a} before Friday",
    "cheap {name}", "something like {a}", "search: {name}", "a nice {name}, please", "shopping for {a}",
    "gift idea {name}", "which {name} would you recommend", "{name} under 20 euros", "customer asks for {a}",
)


def with_article(name: str) -> str:
    """`a pear`, `an olive`; plurals stay bare (a rough rule: a final s, but not ss)."""
    if name.endswith("s") and not name.endswith("ss"):
        return name
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def fill(template: str, name: str) -> str:
    """The template with the name put in."""
    return template.format(name=name, a=with_article(name))


def training_text(names: tuple[str, ...], chance: random.Random, shop_talk: bool = False) -> str:
    """A training sentence for one glyph. The first name is CLDR's, and the most frequent."""
    name = names[0] if chance.random() < 0.7 else chance.choice(names)
    return fill(chance.choice(TRAINING_TEMPLATES + SHOP_TALK if shop_talk else TRAINING_TEMPLATES), name)
