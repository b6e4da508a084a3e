import Foundation
import MobileCLIPSearch

/// A tokenizer asset and texts enter; how long opening, checking and encoding take, and how much memory an open tokenizer
/// holds beside the mapped file, leave.
struct TokenizerBench: Encodable {
    private static let (opens, checks, encodes, held) = (21, 5, 101, 32)

    let firstOpenMs: Double
    let openMs: Double
    let verifyMs: Double
    /// Null where the system does not tell (macOS).
    let heapMb: Double?
    let encodeUs: Double
    let ids: [[Int32]]

    /// Without a digest. Throws what the tokenizer throws.
    init(asset: URL, texts: [String]) throws {
        var tokenizer: (any TextTokenizer)?
        firstOpenMs = try Self.milliseconds { tokenizer = try Tokenizers.load(asset) }
        openMs = try Self.median(Self.opens) { try Self.milliseconds { tokenizer = try Tokenizers.load(asset) } }
        let before = memory("RssAnon")
        let kept = try (0..<Self.held).map { _ in try Tokenizers.load(asset) }
        heapMb = memory("RssAnon").flatMap { now in before.map { (now - $0) / Double(kept.count) } }
        guard let tokenizer else { preconditionFailure("the first open sets it") }
        verifyMs = try Self.median(Self.checks) { try Self.milliseconds { try tokenizer.verify() } }
        let medians = try texts.map { text in
            try Self.median(Self.encodes) { try Self.milliseconds { _ = try tokenizer.encode(text) } }
        }
        encodeUs = 1000 * (medians.sorted().dropFirst(medians.count / 2).first ?? 0)
        ids = try texts.map(tokenizer.encode)
    }

    private static func median(_ times: Int, _ measure: () throws -> Double) rethrows -> Double {
        try (0..<times).map { _ in try measure() }.sorted()[times / 2]
    }

    private static func milliseconds(_ work: () throws -> Void) rethrows -> Double {
        try ContinuousClock().measure(work) / .milliseconds(1)
    }
}
