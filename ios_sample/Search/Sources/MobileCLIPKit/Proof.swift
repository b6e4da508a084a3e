import Foundation
import MobileCLIPSearch

/// `proof.json`: what this device says of the encoders that `make prove` put beside golden inputs (FORMATS.md). An app holds
/// its own compiled by Xcode, whose bytes no manifest names: so the device compiles the export's.
public struct Proof: Encodable, Sendable {
    public static let name = "proof.json"
    private static let version = 1

    /// Where it runs.
    public struct Device: Sendable {
        let name: String
        let system: String
        let isEmulated: Bool

        /// `name`: Apple's of the machine, `iPhone17,1` say; `system`: with its version, `iOS 26.1` say.
        public init(name: String, system: String, isEmulated: Bool) {
            (self.name, self.system, self.isEmulated) = (name, system, isEmulated)
        }
    }

    private enum CodingKeys: CodingKey {
        case version, platform, device, system, emulator, runtime, model, space, golden, error, checks, passed
    }

    private let device: Device
    private let model: String
    private let space: String
    private var golden: String?
    /// Why nothing could be checked, in one line; nil where something was.
    public private(set) var error: String?
    public private(set) var checks: [SelfCheck] = []

    /// By the cosines alone; `make prove` judges.
    public var passed: Bool { error == nil && !checks.isEmpty && checks.allSatisfy(\.passed) }

    /// Checks `image.mlpackage` and `text.mlpackage` of a folder against the golden inputs in it, and writes the proof there:
    /// never an old one, and only whole. What cannot be checked is said in it.
    ///
    /// `units`: names of processors. `compile` gives a package's compiled model, which is removed again; `encoder` makes an
    /// encoder of two of them, for one of the names. Throws where the folder cannot be written to.
    public static func write(
        in folder: URL, by device: Device, _ manifest: ModelManifest, _ tokenizer: any TextTokenizer, units: [String],
        compile: @Sendable (URL) async throws -> URL,
        encoder: @Sendable (_ unit: String, _ image: URL, _ text: URL) throws -> any EmbeddingEncoder
    ) async throws -> Proof {
        let answer = folder.appendingPathComponent(name)
        if FileManager.default.fileExists(atPath: answer.path) { try FileManager.default.removeItem(at: answer) }
        func package(_ encoder: String) -> URL { folder.appendingPathComponent("\(encoder).mlpackage") }
        var proof = Proof(device: device, model: manifest.model, space: manifest.space)
        do {
            let goldens = try GoldenEmbeddings(folder, for: manifest)
            proof.golden = goldens.sha256
            let (image, text) = (package("image"), package("text"))
            let files = [EncoderPart.image: try file(image, in: manifest), .text: try file(text, in: manifest)]
            let compiledImage = try await compile(image)
            defer { try? FileManager.default.removeItem(at: compiledImage) }
            let compiledText = try await compile(text)
            defer { try? FileManager.default.removeItem(at: compiledText) }
            for unit in units {
                let encoder = try encoder(unit, compiledImage, compiledText)
                proof.checks.append(
                    await SelfCheck.run(
                        compute: unit, goldens, tokenizer: tokenizer, encoder: encoder, files: files))
                await encoder.release()
            }
        } catch {
            proof.error = inOneLine(error)
        }
        try proof.json().write(to: answer, options: .atomic)
        return proof
    }

    private static func file(_ package: URL, in manifest: ModelManifest) throws -> SelfCheck.File {
        let encoder = package.deletingPathExtension().lastPathComponent
        let precision = try manifest.artifact(format: "coreml", encoder: encoder).precision
        return SelfCheck.File(precision: precision, sha256: try fileDigest(package))
    }

    /// The content of the file.
    public func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return try encoder.encode(self)
    }

    /// With `error`: null where there is none.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(Self.version, forKey: .version)
        try container.encode("ios", forKey: .platform)
        try container.encode(device.name, forKey: .device)
        try container.encode(device.system, forKey: .system)
        try container.encode(device.isEmulated, forKey: .emulator)
        try container.encode("Core ML, \(device.system)", forKey: .runtime)
        try container.encode(model, forKey: .model)
        try container.encode(space, forKey: .space)
        try container.encodeIfPresent(golden, forKey: .golden)
        try container.encode(error, forKey: .error)
        try container.encode(checks, forKey: .checks)
        try container.encode(passed, forKey: .passed)
    }
}
