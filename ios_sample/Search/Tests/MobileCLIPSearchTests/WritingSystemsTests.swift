import Foundation
import Testing

@testable import MobileCLIPSearch

struct WritingSystemsTests {
    @Test func theScriptsThatAModelDoesNotKnowAreNamedOnceInTheirOrder() {
        #expect(WritingSystems.unknown(in: "red dress, 50 % é", known: ["Latin"]).isEmpty)
        let mixed = WritingSystems.unknown(in: "红色 dress 連衣裙 Платье ᚠ", known: ["Latin"])
        #expect(mixed == ["Han", "Cyrillic", "another script"])
        #expect(WritingSystems.unknown(in: "\u{B5} \u{301} 1 👗", known: []).isEmpty)
        #expect(WritingSystems.unknown(in: "赤いドレス", known: ["Han"]) == ["Hiragana", "Katakana"])
    }

    /// Of the file that tests/test_ios_search.py makes, where EXPECTED names its folder.
    @Test(.enabled(if: Goldens.folders.count > 1), arguments: Goldens.folders.dropFirst())
    func everyTextHasTheDesktopsScripts(_ expected: URL) throws {
        let rows = try Goldens.json(expected.appendingPathComponent("scripts.json")).objects("texts")
        #expect(!rows.isEmpty)
        for row in rows {
            let scripts = try row.part("scripts").asArray("scripts").map { try $0.asText("a script") }
            #expect(WritingSystems.unknown(in: try row.text("text"), known: ["Latin"]) == scripts)
        }
        print("\(rows.count) texts with the desktop's scripts")
    }
}
