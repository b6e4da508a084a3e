import Foundation
import MobileCLIPSearch
import Testing

@testable import MobileCLIPKit

/// With an encoder that stands in for Core ML. Where PROVE names a folder, `parity.prove.proof.judged` is given what is
/// written there (tests/phones.py makes up the golden inputs); elsewhere they are made here.
struct SelfCheckTests {
    /// Knows the answer to every golden input, of which the first component is `off` by so much.
    private struct Parrot: EmbeddingEncoder {
        let space = ""
        let dim = 2
        private let texts: [[Int32]: [Double]]
        private let pictures: [[UInt8]: [Double]]
        private let off: Float

        init(_ goldens: GoldenEmbeddings, _ tokenizer: any TextTokenizer, off: Float) throws {
            texts = Dictionary(
                uniqueKeysWithValues: try goldens.texts.map { (try tokenizer.encode($0.text), $0.embedding) })
            pictures = Dictionary(
                uniqueKeysWithValues: try goldens.pictures.map { (try goldens.square($0), $0.embedding) })
            self.off = off
        }

        func text(_ ids: [Int32]) async throws -> [Float] { answer(texts[ids]) }

        func image(_ square: [UInt8]) async throws -> [Float] { answer(pictures[square]) }

        private func answer(_ golden: [Double]?) -> [Float] {
            (golden ?? []).enumerated().map { Float($0.element) + ($0.offset == 0 ? off : 0) }
        }
    }

    private static let phone = Proof.Device(name: "iPhone17,1", system: "iOS 26.1", isEmulated: false)
    private static let units = ["cpuOnly", "cpuAndGPU", "cpuAndNeuralEngine", "all"]

    private let made: MadeShop
    private let given: URL
    private let folder: URL
    private let manifest: ModelManifest
    private let tokenizer: any TextTokenizer

    init() throws {
        made = try MadeShop()
        folder = made.file("proof")
        if let prove = ProcessInfo.processInfo.environment["PROVE"].map({ URL(fileURLWithPath: $0) }) {
            given = prove
            let app = prove.appendingPathComponent("app")
            manifest = try ModelManifest.load(app.appendingPathComponent("manifest.json"))
            tokenizer = try Tokenizers.load(app.appendingPathComponent("tokenizer.safetensors"))
            try FileManager.default.copyItem(at: prove.appendingPathComponent("goldens"), to: folder)
        } else {
            given = made.folder
            manifest = try ModelManifest.load(made.file("manifest.json"))
            tokenizer = try Tokenizers.load(made.file("tokenizer.safetensors"))
            try Self.makeGoldens(in: folder, for: manifest)
        }
    }

    private static func makeGoldens(in folder: URL, for manifest: ModelManifest) throws {
        for name in ["preprocess", "image.mlpackage/Data", "text.mlpackage"] {
            try FileManager.default.createDirectory(
                at: folder.appendingPathComponent(name), withIntermediateDirectories: true)
        }
        for name in ["preprocess/one.out.rgb", "image.mlpackage/Data/weights", "text.mlpackage/model"] {
            try Data(name.utf8).write(to: folder.appendingPathComponent(name))
        }
        let golden: [String: Any] = [
            "space": manifest.space,
            "texts": [["text": "a", "embedding": [1, 0]], ["text": "b", "embedding": [0.8, 0.6]]],
            "pictures": [["preprocess": "one", "embedding": [0, 1]]],
        ]
        try JSONSerialization.data(withJSONObject: golden).write(
            to: folder.appendingPathComponent("embeddings-\(manifest.model).json"))
    }

    private var goldenFile: URL { folder.appendingPathComponent("embeddings-\(manifest.model).json") }

    /// A package's compiled model is a copy of it.
    private func check(
        off: Float = 0, units: [String] = units, device: Proof.Device = phone,
        compile: @escaping @Sendable (URL) throws -> Void = { _ in }
    ) async throws -> Proof {
        let goldens = try? GoldenEmbeddings(folder, for: manifest)
        return try await Proof.write(in: folder, by: device, manifest, tokenizer, units: units) { package in
            try compile(package)
            let copy = package.appendingPathExtension("compiled")
            try FileManager.default.copyItem(at: package, to: copy)
            return copy
        } encoder: { [tokenizer] _, image, text in
            #expect(FileManager.default.fileExists(atPath: image.path) && image != text)
            return try Parrot(try #require(goldens), tokenizer, off: off)
        }
    }

    private func written() throws -> [String: Any] {
        let file = try Data(contentsOf: folder.appendingPathComponent("proof.json"))
        return try #require(try JSONSerialization.jsonObject(with: file) as? [String: Any])
    }

    @Test(arguments: [("good", 0), ("off", 0.3), ("nan", Float.nan)])
    func whatItWritesIsWhatMakeProveJudges(name: String, off: Float) async throws {
        let proof = try await check(off: off)
        #expect(proof.passed == (name == "good") && proof.error == nil, "\(proof)")
        #expect(proof.checks.map(\.compute) == Self.units)
        for one in proof.checks {
            #expect(one.error == nil && one.encoders.map(\.encoder) == ["text", "image"])
        }
        let answer = given.appendingPathComponent("\(name).json")
        try? FileManager.default.removeItem(at: answer)
        try FileManager.default.copyItem(at: folder.appendingPathComponent("proof.json"), to: answer)
    }

    @Test func theFileHasEveryKeyAndNothingStaysBesideIt() async throws {
        try Data("an old one".utf8).write(to: folder.appendingPathComponent("proof.json"))
        let before = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        let device = Proof.Device(name: "iPad0,0", system: "iPadOS 0", isEmulated: true)
        _ = try await check(units: ["cpuOnly"], device: device)
        let proof = try written()
        #expect(
            Set(proof.keys) == [
                "version", "platform", "device", "system", "emulator", "runtime", "model", "space", "golden", "error",
                "checks", "passed",
            ])
        #expect(proof["error"] is NSNull && proof["emulator"] as? Bool == true && proof["version"] as? Int == 1)
        #expect(proof["runtime"] as? String == "Core ML, iPadOS 0" && proof["device"] as? String == "iPad0,0")
        let golden = try fileDigest(goldenFile)
        let image = try fileDigest(folder.appendingPathComponent("image.mlpackage"))
        #expect(proof["golden"] as? String == golden)
        let check = try #require((proof["checks"] as? [[String: Any]])?.first)
        let encoder = try #require((check["encoders"] as? [[String: Any]])?.last)
        #expect(
            Set(encoder.keys) == [
                "encoder", "precision", "sha256", "count", "least_cosine", "max_abs", "load_ms", "median_ms",
            ])
        #expect(encoder["sha256"] as? String == image)
        #expect(try Set(FileManager.default.contentsOfDirectory(atPath: folder.path)) == Set(before))
    }

    @Test func anOldProofGoesFirst() async throws {
        let answer = folder.appendingPathComponent("proof.json")
        try Data("an old one".utf8).write(to: answer)
        _ = try await check { _ in #expect(!FileManager.default.fileExists(atPath: answer.path)) }
        #expect(try written()["passed"] as? Bool == true)
    }

    @Test(arguments: ["", "{", #"{"space": "another", "texts": [], "pictures": []}"#, "SPACE", "image.mlpackage"])
    func whatCannotBeCheckedAtAllIsSaidInOneLine(damage: String) async throws {
        switch damage {
        case "": try FileManager.default.removeItem(at: goldenFile)
        case "image.mlpackage": try FileManager.default.removeItem(at: folder.appendingPathComponent(damage))
        case "SPACE":
            try Data(#"{"space": "\#(manifest.space)", "texts": [], "pictures": []}"#.utf8).write(to: goldenFile)
        default: try Data(damage.utf8).write(to: goldenFile)
        }
        let proof = try await check()
        let error = try #require(proof.error)
        #expect(!proof.passed && proof.checks.isEmpty && !error.isEmpty && !error.contains("\n"))
        #expect(try written()["error"] as? String == error && written()["passed"] as? Bool == false)
    }

    @Test func whatCannotBeCompiledIsSaid() async throws {
        let proof = try await check { _ in throw SearchError.badFile(name: "text", problem: "no\nmodel") }
        #expect(proof.error == "text: no model" && !proof.passed)
    }

    @Test func whatStopsAnEncoderIsSaidOfItsCheck() async throws {
        let goldens = try GoldenEmbeddings(folder, for: manifest)
        let encoder = try Parrot(goldens, tokenizer, off: 0)
        try FileManager.default.removeItem(at: folder.appendingPathComponent("preprocess"))
        let file = SelfCheck.File(precision: "fp16", sha256: "")
        let check = await SelfCheck.run(
            compute: "all", goldens, tokenizer: tokenizer, encoder: encoder, files: [.text: file, .image: file])
        #expect(!check.passed && check.error?.isEmpty == false && check.encoders.isEmpty)
    }

    @Test func everyPrecisionOfTheGateHasItsFloor() {
        #expect(SelfCheck.least == ["fp32": 0.999999, "fp16": 0.9999] && SelfCheck.leastCompressed == 0.98)
    }
}
