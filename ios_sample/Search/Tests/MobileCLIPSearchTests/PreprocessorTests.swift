import Foundation
import Testing

@testable import MobileCLIPSearch

struct PreprocessorTests {
    @Test(arguments: Goldens.folders)
    func theGoldenPicturesGiveTheGoldenBytes(_ goldens: URL) throws {
        let folder = goldens.appendingPathComponent("preprocess")
        let cases = try Goldens.json(folder.appendingPathComponent("index.json")).objects("cases")
        #expect(!cases.isEmpty)
        var differing = 0
        for golden in cases {
            let name = try golden.text("name")
            func bytes(_ kind: String) throws -> [UInt8] {
                [UInt8](try Data(contentsOf: folder.appendingPathComponent("\(name).\(kind).rgb")))
            }
            let picture = try RGBImage(bytes: bytes("in"), width: golden.int("width"), height: golden.int("height"))
            let interpolation = try #require(ResizeInterpolation(rawValue: golden.text("interpolation")))
            let found = try ImagePreprocessor(size: golden.int("size"), interpolation: interpolation).square(picture)
            let expected = try bytes("out")
            differing += zip(found, expected).filter { $0 != $1 }.count
            #expect(found == expected, "\(name)")
        }
        print("\(cases.count) pictures, differing bytes: \(differing)")
    }

    @Test(arguments: ResizeInterpolation.allCases)
    func aPictureOfTheEncodersSizeStaysAsItIs(_ interpolation: ResizeInterpolation) throws {
        var random = Seeded(1)
        let rgb = (0..<3 * 24 * 24).map { _ in UInt8(random.below(256)) }
        let preprocessor = try ImagePreprocessor(size: 24, interpolation: interpolation)
        #expect(preprocessor.square(try RGBImage(bytes: rgb, width: 24, height: 24)) == rgb)
    }

    @Test(arguments: [
        (1, 1), (1, 8000), (8000, 1), (3, 300_000), (300_000, 3), (1, 30_000_000), (4000, 3000), (31, 17),
    ])
    func aPictureOfOneColourKeepsItWhateverItsShape(_ width: Int, _ height: Int) throws {
        let rgb = [UInt8](repeating: 199, count: 3 * width * height)
        let preprocessor = try ImagePreprocessor(size: 48, interpolation: .bicubic)
        let square = preprocessor.square(try RGBImage(bytes: rgb, width: width, height: height))
        #expect(square == [UInt8](repeating: 199, count: 3 * 48 * 48))
    }

    @Test(arguments: [(12, 2, 1), (0, 0, 0), (3, -1, -1), (0, 65_536, 65_536), (0, .max, .max), (0, 1 << 16, 1 << 15)])
    func whatIsNoPictureIsRefused(_ count: Int, _ width: Int, _ height: Int) {
        #expect(throws: SearchError.self) {
            try RGBImage(bytes: [UInt8](repeating: 0, count: count), width: width, height: height)
        }
    }

    @Test(arguments: [0, -1, 4097, .max])
    func whatIsNoSquareIsRefused(_ size: Int) {
        #expect(throws: SearchError.self) { try ImagePreprocessor(size: size, interpolation: .bilinear) }
    }
}
