"""The artwork: colour-emoji glyphs of Debian's fonts-noto-color-emoji and their CLDR names.

In: the installed font and the `emoji` package's table. Out: `Glyph`s, each a name, its other names and its picture
as premultiplied RGBA, and the list of those that the sample shop sells.
"""

from dataclasses import dataclass
from pathlib import Path

import emoji
from PIL import Image, ImageDraw, ImageFont

from export.common.errors import InputError

FONT = Path("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")
FONT_SIZE = 109                              # the only size that the bitmap font holds
CANVAS = 136                                 # its glyphs are 136 x 128 pixels
FULLY_QUALIFIED = 2                          # `status` in the emoji package's table

# What the shop sells, by category, under CLDR's names. Chosen before any training: things with distinct names and
# looks. Left out are clock faces, smileys, arrows, buttons, hearts, hands and people. Of glyphs that look nearly the
# same (bison and ox, or the three ships) only one is in the list.
SHOP: dict[str, tuple[str, ...]] = {
    "Fruit and vegetables": (
        "grapes", "melon", "watermelon", "tangerine", "lemon", "banana", "pineapple", "mango", "red apple",
        "green apple", "pear", "peach", "cherries", "strawberry", "blueberries", "kiwi fruit", "tomato", "olive",
        "coconut", "avocado", "eggplant", "potato", "carrot", "ear of corn", "hot pepper", "bell pepper", "cucumber",
        "leafy green", "broccoli", "garlic", "onion", "peanuts", "beans", "chestnut", "ginger root", "pea pod",
        "mushroom"),
    "Food": (
        "bread", "croissant", "baguette bread", "pretzel", "bagel", "pancakes", "waffle", "cheese wedge",
        "meat on bone", "poultry leg", "cut of meat", "bacon", "hamburger", "french fries", "pizza", "hot dog",
        "sandwich", "taco", "burrito", "egg", "green salad", "popcorn", "butter", "salt", "canned food",
        "bento box", "rice cracker", "rice ball", "curry rice", "spaghetti", "sushi", "fried shrimp", "dango",
        "dumpling", "fortune cookie", "takeout box"),
    "Sweets and drinks": (
        "soft ice cream", "doughnut", "cookie", "birthday cake", "shortcake", "cupcake",
        "pie", "chocolate bar", "candy", "lollipop", "custard", "honey pot", "baby bottle", "glass of milk",
        "hot beverage", "teapot", "bottle with popping cork", "wine glass", "cocktail glass",
        "tropical drink", "beer mug", "tumbler glass", "cup with straw", "bubble tea", "beverage box"),
    "Animals": (
        "gorilla", "orangutan", "poodle", "fox", "raccoon", "cat", "lion", "tiger", "leopard", "horse", "unicorn",
        "zebra", "deer", "bison", "pig", "ram", "goat", "llama", "giraffe", "elephant", "mammoth",
        "rhinoceros", "hippopotamus", "mouse", "hamster", "rabbit", "beaver", "hedgehog", "bat", "bear", "koala",
        "panda", "sloth", "otter", "skunk", "kangaroo", "badger", "turkey", "rooster", "penguin", "dove", "eagle",
        "duck", "swan", "owl", "flamingo", "peacock", "parrot", "frog", "crocodile", "turtle", "lizard", "snake",
        "dragon", "sauropod", "T-Rex", "whale", "dolphin", "tropical fish", "blowfish", "shark", "octopus", "jellyfish",
        "crab", "lobster", "squid", "snail", "butterfly", "honeybee", "lady beetle", "spider"),
    "Plants": (
        "bouquet", "rose", "hibiscus", "sunflower", "tulip", "seedling", "potted plant", "evergreen tree",
        "deciduous tree", "palm tree", "cactus", "four leaf clover", "maple leaf", "lotus", "Christmas tree",
        "hyacinth", "cherry blossom"),
    "Clothing": (
        "glasses", "sunglasses", "goggles", "lab coat", "safety vest", "necktie", "t-shirt", "jeans", "scarf",
        "gloves", "coat", "socks", "dress", "kimono", "sari", "one-piece swimsuit", "shorts", "bikini",
        "martial arts uniform", "running shirt", "briefs", "running shoe", "hiking boot", "flat shoe",
        "high-heeled shoe", "woman’s boot", "ballet shoes", "thong sandal", "top hat", "billed cap",
        "graduation cap", "woman’s hat"),
    "Bags and jewellery": (
        "purse", "handbag", "clutch bag", "shopping bags", "backpack", "briefcase", "luggage", "crown", "prayer beads",
        "lipstick", "ring", "gem stone", "folding hand fan", "nail polish", "closed umbrella"),
    "Model vehicles": (
        "locomotive", "high-speed train", "bus", "ambulance", "fire engine", "police car", "taxi",
        "automobile", "sport utility vehicle", "pickup truck", "delivery truck", "articulated lorry", "tractor",
        "racing car", "motorcycle", "motor scooter", "auto rickshaw", "bicycle", "kick scooter", "skateboard",
        "roller skate", "manual wheelchair", "sailboat", "canoe", "speedboat", "passenger ship", "airplane",
        "helicopter", "satellite", "rocket", "flying saucer", "parachute"),
    "Sports and games": (
        "soccer ball", "baseball", "softball", "basketball", "volleyball", "american football", "tennis",
        "flying disc", "bowling", "field hockey", "ice hockey", "lacrosse", "ping pong", "badminton", "boxing glove",
        "goal net", "ice skate", "fishing pole", "diving mask", "skis", "sled", "curling stone", "bullseye", "yo-yo",
        "kite", "pool 8 ball", "video game", "joystick", "game die", "puzzle piece", "teddy bear",
        "piñata", "nesting dolls", "boomerang", "trophy", "sports medal", "crystal ball", "magic wand"),
    "Music": (
        "saxophone", "accordion", "guitar", "musical keyboard", "trumpet", "violin", "banjo", "drum", "long drum",
        "maracas", "flute", "studio microphone", "headphone", "radio", "bell", "postal horn"),
    "Tools and home": (
        "hammer", "axe", "screwdriver", "wrench", "carpentry saw", "nut and bolt", "clamp", "gear", "toolbox",
        "ladder", "hook", "chains", "brick", "wood", "key", "old key", "magnet", "fire extinguisher",
        "light bulb", "flashlight", "candle", "diya lamp", "red paper lantern", "bed", "couch and lamp", "chair",
        "toilet", "shower", "bathtub", "razor", "soap", "sponge", "bucket", "broom", "basket", "roll of paper",
        "toothbrush", "lotion bottle", "mirror", "window", "door", "kitchen knife", "spoon", "amphora", "chopsticks",
        "jar", "mouse trap", "alarm clock", "hourglass done", "balance scale", "wind chime", "sewing needle", "thread",
        "yarn", "safety pin", "balloon", "wrapped gift", "tent", "compass", "world map"),
    "Electronics and science": (
        "mobile phone", "telephone", "fax machine", "battery", "electric plug", "laptop", "desktop computer",
        "printer", "keyboard", "computer mouse", "floppy disk", "optical disk", "abacus", "movie camera",
        "television", "camera", "video camera", "videocassette", "microscope", "telescope",
        "satellite antenna", "stethoscope", "thermometer", "test tube", "adhesive bandage"),
    "Books and office": (
        "books", "notebook", "scroll", "newspaper", "label", "package", "pencil", "fountain pen",
        "paintbrush", "crayon", "pushpin", "paperclip", "straight ruler", "triangular ruler", "scissors",
        "file cabinet", "wastebasket", "artist palette", "framed picture"),
}

# No training picture shows these glyphs: they are too similar to each other, or plain signs.
UNTRAINED = ("o’clock", "-thirty", "button", "arrow", "square", "circle", "diamond", "triangle", "moon", "Japanese",
             "hand", "finger", "face", "person", "people", "heart", "flag", "speaker", "keycap", "input", "medium")

# Other names in the table that nobody would search for, or that say something else.
ODD_ALIASES = ("harambe", "flipper", "compression", "hocho", "izakaya lantern", "lower left fountain pen",
               "lower left paintbrush", "lower left crayon", "three button mouse", "bullettrain side", "shopping",
               "birthday", "nail care", "art", "shortcake", "racehorse", "sports medal", "medal sports", "iphone",
               "dart", "running shirt with sash", "racing motorcycle", "mortar board", "school satchel")


@dataclass(frozen=True)
class Glyph:
    """One glyph: CLDR's English name, unambiguous other names, and the character."""

    name: str
    aliases: tuple[str, ...]
    character: str


def _words(name: str) -> str:
    return name.strip(":").replace("_", " ")


def _is_plain(character: str, entry: dict) -> bool:
    """Whether it is one code point (apart from a variation selector): no skin tone, flag or joined sequence."""
    return entry["status"] == FULLY_QUALIFIED and len(character.replace("\ufe0f", "")) == 1


def read_font(path: Path = FONT) -> ImageFont.FreeTypeFont:
    """The colour font; InputError if it is not installed."""
    if not path.is_file():
        raise InputError("the colour-emoji font is missing", where=path, expected="NotoColorEmoji.ttf",
                         found="no such file", remedy="apt-get install fonts-noto-color-emoji")
    return ImageFont.truetype(str(path), FONT_SIZE)


def draw_glyph(font: ImageFont.FreeTypeFont, character: str) -> Image.Image:
    """The glyph alone, in the middle of a transparent square of 136 x 136 pixels, mode RGBA."""
    picture = Image.new("RGBA", (CANVAS, CANVAS), (0, 0, 0, 0))
    ImageDraw.Draw(picture).text((CANVAS / 2, CANVAS / 2), character.replace("\ufe0f", ""), font=font, anchor="mm",
                                 embedded_color=True)
    box = picture.getbbox()
    if box is None:
        return picture
    centred = Image.new("RGBA", (CANVAS, CANVAS), (0, 0, 0, 0))
    width, height = box[2] - box[0], box[3] - box[1]
    centred.paste(picture.crop(box), ((CANVAS - width) // 2, (CANVAS - height) // 2))
    return centred


def _known(font: ImageFont.FreeTypeFont, character: str, missing: bytes) -> bool:
    return draw_glyph(font, character).tobytes() != missing


def list_glyphs(font: ImageFont.FreeTypeFont) -> list[Glyph]:
    """Every plain glyph that the font holds, sorted by name; aliases that name two glyphs are left out."""
    missing = draw_glyph(font, "\U0010ffff").tobytes()
    entries = [(character, entry) for character, entry in emoji.EMOJI_DATA.items()
               if _is_plain(character, entry) and _known(font, character, missing)]
    owners: dict[str, set[str]] = {}
    for character, entry in entries:
        for name in (entry["en"], *(entry.get("alias") or ())):
            owners.setdefault(_words(name).lower(), set()).add(character)
    glyphs = []
    for character, entry in entries:
        name = _words(entry["en"])
        aliases = {_words(alias).lower() for alias in entry.get("alias") or ()} - {name.lower(), *ODD_ALIASES}
        aliases = {alias for alias in aliases if len(owners[alias]) == 1 and len(alias) > 2
                   and not any(letter.isdigit() for letter in alias)}
        glyphs.append(Glyph(name, tuple(sorted(aliases)), character))
    return sorted(glyphs, key=lambda glyph: glyph.name)


def shop_glyphs(glyphs: list[Glyph]) -> list[tuple[str, Glyph]]:
    """(category, glyph) of every product, in the order of `SHOP`; InputError if the font lacks one."""
    by_name = {glyph.name: glyph for glyph in glyphs}
    lacking = [name for names in SHOP.values() for name in names if name not in by_name]
    if lacking:
        raise InputError("the font or the emoji table lacks glyphs of the shop", found=", ".join(lacking),
                         remedy="use fonts-noto-color-emoji 2.042 and emoji 2.16.0")
    return [(category, by_name[name]) for category, names in SHOP.items() for name in names]


def other_glyphs(glyphs: list[Glyph]) -> list[Glyph]:
    """The glyphs that training uses beside the shop's products, so that the model knows more than the shop."""
    sold = {name for names in SHOP.values() for name in names}
    return [glyph for glyph in glyphs if glyph.name not in sold and not any(word in glyph.name for word in UNTRAINED)]
