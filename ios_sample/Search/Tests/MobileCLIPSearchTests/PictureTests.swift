import Foundation
import Testing

@testable import MobileCLIPSearch

/// How a picture's file is decoded: the arithmetic of sizes. Decoding itself is ImageIO's, and was not run on Linux.
struct PictureTests {
    private static let most = 200_000_000  // bytes that memory may grow by

    private func plan(
        _ width: Int, _ height: Int, size: Int = 256, mode: ResizeMode = .shortest, isReducible: Bool = true,
        region: PictureRegion? = nil
    ) throws -> DecodingPlan {
        try DecodingPlan(
            width: width, height: height, isReducible: isReducible,
            for: ImagePreprocessor(size: size, interpolation: .bilinear, mode: mode), region: region)
    }

    @Test(arguments: [
        (1, 100_000), (100_000, 1), (1080, 20_000), (20_000, 1080), (12_000, 9_000), (9_000, 12_000), (20_000, 1),
        (1, 1 << 27), (1170, 9_000), (8_064, 6_048), (3, 40_000_000), (11_585, 11_585), (300, 400_000), (1, 1),
    ])
    func anyShapeIsDecodedInLittleMemoryOrRefusedInWords(_ width: Int, _ height: Int) throws {
        for size in [64, 256, 384] {
            for mode in ResizeMode.allCases {
                for isReducible in [true, false] {
                    do {
                        let plan = try plan(width, height, size: size, mode: mode, isReducible: isReducible)
                        #expect(plan.bytes < Self.most)
                        try expectSound(plan, width, height, size, mode)
                    } catch SearchError.badPicture(let words) {
                        #expect(words.contains("\(width) x \(height)"))
                    }
                }
            }
        }
    }

    private func expectSound(
        _ plan: DecodingPlan, _ width: Int, _ height: Int, _ size: Int, _ mode: ResizeMode
    ) throws {
        let short = min(width, height) * plan.longest / max(width, height)
        #expect(plan.longest <= max(width, height))
        #expect(plan.longest == max(width, height) || short >= 4 * size, "\(width) x \(height)")
        let window = plan.window
        #expect(window.left >= 0 && window.top >= 0 && window.width > 0 && window.height > 0)
        if window.width * window.height > 1 << 23 { #expect(mode == .squash) }
    }

    @Test func whatABriefNamesIsAnswered() throws {
        for (width, height) in [(1, 100_000), (1080, 20_000), (12_000, 9_000)] {
            let plan = try plan(width, height)
            print("\(width) x \(height): at most \(plan.bytes) bytes, \(plan.window)")
            #expect(plan.bytes < Self.most)
        }
        let screenshot = try plan(1080, 20_000)
        #expect(screenshot.window == DecodingPlan.Window(left: 0, top: 8969, width: 1024, height: 1024))
        let photo = try plan(4_000, 3_000)
        #expect(photo.longest == 1366 && photo.window.height == 1024)
        let small = try plan(800, 600)
        #expect(small.longest == 800 && small.window == DecodingPlan.Window(left: 0, top: 0, width: 800, height: 600))
        #expect(throws: SearchError.self) { try plan(12_000, 9_000, isReducible: false) }
        #expect(throws: SearchError.self) { try plan(1 << 14, 1 << 14) }
        #expect(throws: SearchError.self) { try plan(0, 5) }
    }

    @Test func aChosenPartIsDecodedAsSharplyAsMemoryAllows() throws {
        let part = try PictureRegion(left: 0.5, top: 0.25, width: 0.25, height: 0.5)
        let plan = try plan(8_000, 6_000, region: part)
        #expect(plan.longest == 4096)  // of a part of 2,000 x 3,000 pixels, 1,024 x 1,536
        #expect(plan.window == DecodingPlan.Window(left: 2048, top: 768, width: 1024, height: 1536))
        let tiny = try PictureRegion(left: 0.9, top: 0.9, width: 0.01, height: 0.01)
        let least = try self.plan(12_000, 9_000, region: tiny)
        #expect(least.bytes < Self.most && least.window.width >= 60)
        let edge = try PictureRegion(left: 0, top: 0, width: 1, height: 1)
        #expect(try self.plan(800, 600, region: edge) == self.plan(800, 600))
        for (left, width) in [(-0.1, 0.5), (0.6, 0.5), (0.5, 0), (.nan, 0.5)] {
            #expect(throws: SearchError.self) {
                try PictureRegion(left: left, top: 0, width: width, height: 1)
            }
        }
    }

    @Test func aPartOfAnImageIsItsPixels() throws {
        let image = try RGBImage(bytes: (0..<36).map { UInt8($0) }, width: 4, height: 3)
        let part = try image.cropped(left: 1, top: 1, width: 2, height: 2)
        #expect(part.bytes == [15, 16, 17, 18, 19, 20, 27, 28, 29, 30, 31, 32])
        #expect(part.width == 2 && part.height == 2 && part.id != image.id)
        #expect(try image.cropped(left: 0, top: 0, width: 4, height: 3).bytes == image.bytes)
        for (left, top, width, height) in [
            (-1, 0, 1, 1), (0, 0, 0, 1), (3, 0, 2, 1), (0, 3, 1, 1), (0, 0, .max, 1), (.max, 0, 1, 1),
        ] {
            #expect(throws: SearchError.self) {
                try image.cropped(left: left, top: top, width: width, height: height)
            }
        }
    }

    @Test(arguments: [
        (1, "abcdef", 3), (2, "cbafed", 3), (3, "fedcba", 3), (4, "defabc", 3), (5, "adbecf", 2), (6, "daebfc", 2),
        (7, "fcebda", 2), (8, "cfbead", 2), (9, "abcdef", 3), (0, "abcdef", 3),
    ])
    func anOrientationIsUndone(_ exif: Int, _ expected: String, _ width: Int) throws {
        let image = try RGBImage(bytes: "abcdef".utf8.flatMap { [$0, $0, $0] }, width: 3, height: 2)
        let upright = try image.upright(exif: exif)
        #expect(upright.width == width && upright.height == 6 / width)
        #expect(upright.bytes == expected.utf8.flatMap { [$0, $0, $0] })
    }
}
