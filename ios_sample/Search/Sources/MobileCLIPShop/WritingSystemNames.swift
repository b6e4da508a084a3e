import Foundation

/// A writing system, by Unicode's name for it, in `locale`'s language; nil for one that few people write.
public func writingSystemName(_ script: String, locale: Locale) -> String? {
    codes[script].flatMap(locale.localizedString(forScriptCode:))
}

/// ISO 15924's codes: Foundation knows scripts by them alone.
private let codes = [
    "Arabic": "Arab", "Armenian": "Armn", "Bengali": "Beng", "Bopomofo": "Bopo", "Cyrillic": "Cyrl",
    "Devanagari": "Deva", "Ethiopic": "Ethi", "Georgian": "Geor", "Greek": "Grek", "Gujarati": "Gujr",
    "Gurmukhi": "Guru", "Han": "Hani", "Hangul": "Hang", "Hebrew": "Hebr", "Hiragana": "Hira", "Kannada": "Knda",
    "Katakana": "Kana", "Khmer": "Khmr", "Lao": "Laoo", "Latin": "Latn", "Malayalam": "Mlym", "Mongolian": "Mong",
    "Myanmar": "Mymr", "Sinhala": "Sinh", "Tamil": "Taml", "Telugu": "Telu", "Thai": "Thai", "Tibetan": "Tibt",
]
