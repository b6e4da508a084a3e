import Foundation
import Testing

@testable import MobileCLIPSearch

struct PreprocessorTests {
    @Test(arguments: Goldens.folders, ["preprocess", "squash"])
    func theGoldenPicturesGiveTheGoldenBytes(_ goldens: URL, _ kind: String) throws {
        let folder = goldens.appendingPathComponent(kind)
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
            let mode = try golden["resize"] == nil ? .shortest : #require(ResizeMode(rawValue: golden.text("resize")))
            let preprocessor = try ImagePreprocessor(
                size: golden.int("size"), interpolation: interpolation, mode: mode)
            let found = try preprocessor.square(picture)
            let expected = try bytes("out")
            differing += zip(found, expected).filter { $0 != $1 }.count
            #expect(found == expected, "\(name)")
        }
        print("\(cases.count) pictures (\(kind)), differing bytes: \(differing)")
    }

    @Test(arguments: ResizeInterpolation.allCases, ResizeMode.allCases)
    func aPictureOfTheEncodersSizeStaysAsItIs(_ interpolation: ResizeInterpolation, _ mode: ResizeMode) throws {
        var random = Seeded(1)
        let rgb = (0..<3 * 24 * 24).map { _ in UInt8(random.below(256)) }
        let preprocessor = try ImagePreprocessor(size: 24, interpolation: interpolation, mode: mode)
        #expect(try preprocessor.square(RGBImage(bytes: rgb, width: 24, height: 24)) == rgb)
    }

    @Test(arguments: [
        (1, 1), (1, 8000), (8000, 1), (3, 300_000), (300_000, 3), (1, 30_000_000), (4000, 3000), (31, 17),
    ])
    func aPictureOfOneColourKeepsItWhateverItsShape(_ width: Int, _ height: Int) throws {
        try keepsItsColour(48, .shortest, width, height)
    }

    @Test(arguments: [1, 7, 48])
    func aSquashedPictureOfOneColourKeepsItAsFarAsASideMayBe4096TimesAsLongAsItBecomes(_ size: Int) throws {
        let most = 4096 * size
        for (width, height) in [(1, most), (most, 1), (most, 3), (most - 1, 2), (31, 17)] {
            try keepsItsColour(size, .squash, width, height)
        }
        let preprocessor = try ImagePreprocessor(size: size, interpolation: .bilinear, mode: .squash)
        for (width, height) in [(1, most + 1), (most + 1, 1)] {
            let rgb = [UInt8](repeating: 0, count: 3 * width * height)
            let image = try RGBImage(bytes: rgb, width: width, height: height)
            let problem = "an image of \(width) x \(height), expected at most \(most) x \(most)"
            #expect(throws: SearchError.badRequest(problem)) { try preprocessor.square(image) }
        }
    }

    private func keepsItsColour(_ size: Int, _ mode: ResizeMode, _ width: Int, _ height: Int) throws {
        for colour in [199, 255] as [UInt8] {
            let rgb = [UInt8](repeating: colour, count: 3 * width * height)
            let preprocessor = try ImagePreprocessor(size: size, interpolation: .bicubic, mode: mode)
            let square = try preprocessor.square(RGBImage(bytes: rgb, width: width, height: height))
            #expect(square == [UInt8](repeating: colour, count: 3 * size * size), "\(width) x \(height)")
        }
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
