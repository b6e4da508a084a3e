#if canImport(CoreML)
    import Foundation
    import MobileCLIPKit
    import MobileCLIPSearch
    import Testing

    /// Apple's decoder against FORMATS.md, "Pictures", 1: `pictures.json` of make_pictures.py. Runs on Apple's systems alone.
    struct PictureContractTests {
        struct Case: Decodable, Sendable, CustomTestStringConvertible {
            let name: String
            let file: Data
            let width: Int
            let height: Int
            let rgb: Data
            /// How far a byte may be away.
            let most: Int

            var testDescription: String { name }
        }

        static let cases: [Case] = {
            let file = Bundle(for: MadeShop.self).url(forResource: "pictures", withExtension: "json")
            return (try? file.map { try JSONDecoder().decode([Case].self, from: Data(contentsOf: $0)) }) ?? []
        }()

        @Test func theFilesAreThere() {
            #expect(Self.cases.count >= 12)
        }

        @Test(arguments: cases)
        func aPictureHasTheReferencesPixels(_ one: Case) throws {
            let found = try RGBImage(decoding: one.file, longest: 4096)
            try #require((found.width, found.height) == (one.width, one.height))
            let worst = zip(found.bytes, one.rgb).map { abs(Int($0) - Int($1)) }.max() ?? 0
            print("\(one.name): at most \(worst) away, of \(one.most)")
            #expect(worst <= one.most)
        }
    }
#endif
