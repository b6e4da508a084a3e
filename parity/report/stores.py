"""Nothing enters; the app stores' size limits leave. The report shows them beside the encoders, a part of an app.

Read in November 2026 from stored copies of the stores' pages. Both stores change these figures. They count the
compressed download, and encoders hardly compress.
"""

from dataclasses import dataclass

ASK = 200                                    # megabytes: the line in the report's picture


@dataclass(frozen=True)
class Limit:
    """One store's limit."""

    store: str
    megabytes: int
    what: str
    source: str


LIMITS = (
    Limit("App Store", 200, "above, an iPhone asks before it downloads over a mobile network (its default setting)",
          "iOS Settings > App Store > App Downloads, since iOS 13"),
    Limit("App Store", 4000, "the app's uncompressed size; more by Background Assets",
          "developer.apple.com/help/app-store-connect/reference/maximum-build-file-sizes"),
    Limit("Google Play", 200, "the base module, compressed (a newer copy of the page says 500 MB: check the Console)",
          "support.google.com/googleplay/android-developer/answer/9859372"),
    Limit("Google Play", 1500, "one asset pack, compressed (Play Asset Delivery)",
          "support.google.com/googleplay/android-developer/answer/9859372"),
    Limit("Google Play", 4000, "all modules and install-time asset packs, compressed",
          "support.google.com/googleplay/android-developer/answer/9859372"),
)
