import Foundation
import MobileCLIPSearch

/// Golden inputs and an encoder enter; how near its embeddings come to the golden ones leaves, for one JSON file. It proves
/// an encoder where it really runs: on this device, on these processors.
public struct SelfCheck: Codable, Equatable, Sendable {
    /// Of one of the two encoders, over all of its golden inputs.
    public struct Part: Codable, Equatable, Sendable {
        public let inputs: Int
        /// The least cosine with a golden embedding; 0 where one has another width.
        public let leastCosine: Double
        /// From the first call, so with the loading.
        public let milliseconds: Double
    }

    /// The processors, by the caller's name for them.
    public let units: String
    public let text: Part?
    public let image: Part?
    /// One line; nil where all could run.
    public let problem: String?

    private struct Golden: Decodable {
        struct Text: Decodable {
            let text: String
            let embedding: [Float]
        }
        struct Picture: Decodable {
            let preprocess: String
            let embedding: [Float]
        }
        let space: String
        let texts: [Text]
        let pictures: [Picture]
    }

    /// `golden`: a folder with `embeddings-<model>.json` and `preprocess/`, as `parity/goldens`. Throws nothing: what cannot
    /// run is the ``problem``.
    public static func run(
        units: String, golden: URL, manifest: ModelManifest, tokenizer: any TextTokenizer, encoder: any EmbeddingEncoder
    ) async -> SelfCheck {
        do {
            let file = golden.appendingPathComponent("embeddings-\(manifest.model).json")
            let read = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: file))
            guard read.space == manifest.space else {
                throw SearchError.mismatch(name: file.path, problem: "golden embeddings of another embedding space")
            }
            let text = try await part(read.texts.map(\.embedding)) {
                try await encoder.text(tokenizer.encode(read.texts[$0].text))
            }
            let image = try await part(read.pictures.map(\.embedding)) {
                let name = "preprocess/\(read.pictures[$0].preprocess).out.rgb"
                return try await encoder.image([UInt8](Data(contentsOf: golden.appendingPathComponent(name))))
            }
            return SelfCheck(units: units, text: text, image: image, problem: nil)
        } catch {
            return SelfCheck(units: units, text: nil, image: nil, problem: "\(error)")
        }
    }

    /// One JSON object: what ran where, and each check.
    public static func json(
        _ manifest: ModelManifest, platform: String, device: String, _ checks: [SelfCheck]
    ) throws -> Data {
        struct Report: Encodable {
            let model: String
            let space: String
            let platform: String
            let device: String
            let checks: [SelfCheck]
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return try encoder.encode(
            Report(
                model: manifest.model, space: manifest.space, platform: platform, device: device, checks: checks))
    }

    private static func part(
        _ golden: [[Float]], _ embedding: (Int) async throws -> [Float]
    ) async throws -> Part {
        let clock = ContinuousClock()
        let start = clock.now
        var least = 1.0
        for (place, expected) in golden.enumerated() {
            least = min(least, cosine(try await embedding(place), expected))
        }
        let spent = start.duration(to: clock.now).components
        return Part(
            inputs: golden.count, leastCosine: least,
            milliseconds: Double(spent.seconds) * 1e3 + Double(spent.attoseconds) / 1e15)
    }
}

private func cosine(_ one: [Float], _ other: [Float]) -> Double {
    guard one.count == other.count else { return 0 }
    func product(_ one: [Float], _ other: [Float]) -> Double {
        zip(one, other).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    return product(one, other) / (product(one, one) * product(other, other)).squareRoot()
}
