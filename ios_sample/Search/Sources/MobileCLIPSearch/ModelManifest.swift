import Foundation

/// `manifest.json` of an exported model: what an app reads instead of hard-coding anything.
public struct ModelManifest: Sendable {
    /// Its name in a folder of encoders.
    static let file = "manifest.json"
    private static let known = 1

    /// Of the table of models: `demo`, `s0` and so on.
    public let model: String
    /// 64 hex digits naming the embedding space.
    public let space: String
    /// The width of an embedding.
    public let dim: Int
    /// The factor on a cosine before the shares of labels.
    public let logitScale: Double
    /// What is added to it before a sigmoid; nil: the model has none.
    public let logitBias: Double?
    /// How labels get their shares.
    public let labels: LabelShares
    /// What makes the image encoder's square.
    public let preprocessor: ImagePreprocessor
    /// What the text encoder takes.
    public let text: TextSpec
    /// The tokenizer asset.
    public let tokenizer: TokenizerFile
    /// Of the weights.
    public let licence: Licence
    /// False for random weights.
    public let isShippable: Bool
    /// The catalog that came with these encoders; nil in the manifest of a model without one.
    public let catalog: CatalogFile?
    /// The encoders, in every format and precision that was exported.
    public let artifacts: [Artifact]
    private let name: String

    /// How labels get their shares from cosines.
    public enum LabelShares: String, Sendable, CaseIterable {
        /// Together: the shares sum to 1.
        case softmax
        /// Each label by itself: all may be small.
        case sigmoid
    }

    /// What the text encoder takes, and which texts it knows.
    public struct TextSpec: Sendable, Equatable {
        /// How many ids a text has.
        public let contextLength: Int
        /// The id before a text; nil for none.
        public let startToken: Int?
        /// The id after a text.
        public let endToken: Int
        /// The id that fills what is left of the context.
        public let padToken: Int
        /// How many token ids the text encoder knows: all are below it. For ``Tokenizers/load(_:sha256:vocabulary:)``.
        public let vocabulary: Int
        /// Prompts to put a label into; `{}` is its place. Of several languages, those in English, else those of the first by
        /// its name's bytes.
        public let templates: [String]
        let byLanguage: [String: [String]]
        /// The writing systems of the texts that the model was trained on, for ``WritingSystems/unknown(in:known:)``.
        public let scripts: Set<String>

        /// ``templates`` in the language of the labels (`zh`), where the model has some.
        public func templates(language: String) -> [String] { byLanguage[language] ?? templates }
    }

    /// The tokenizer asset; `path` is relative to the manifest.
    public struct TokenizerFile: Sendable, Equatable {
        /// Relative to the manifest.
        public let path: String
        /// 64 hex digits over the bytes.
        public let sha256: String
    }

    /// A catalog; `path` is relative to the manifest, `digest` stands in the file itself, for
    /// ``ProductCatalog/open(_:space:digest:)``.
    public struct CatalogFile: Sendable, Equatable {
        /// Relative to the manifest.
        public let path: String
        /// 64 hex digits.
        public let digest: String
        /// Its size.
        public let bytes: Int
    }

    /// Of the weights. `commercialUse`: nil where it is not known.
    public struct Licence: Sendable, Equatable {
        /// As people call it.
        public let name: String
        /// Of its text; perhaps empty.
        public let url: String
        /// Whether it allows commercial use; nil where that is not known.
        public let commercialUse: Bool?
    }

    /// `encoder`: `image` or `text`; `format`: `coreml`, `tflite` or `onnx`; `path` is relative to the manifest.
    public struct Artifact: Sendable, Equatable {
        /// `image` or `text`.
        public let encoder: String
        /// `coreml`, `tflite` or `onnx`.
        public let format: String
        /// `fp16`, say.
        public let precision: String
        /// Relative to the manifest.
        public let path: String
        /// 64 hex digits over the bytes.
        public let sha256: String
        /// Its size.
        public let bytes: Int
        /// Core ML alone.
        public let minimumIOS: Int?
    }

    /// Reads a manifest.
    ///
    /// Throws ``SearchError/missingFile(name:problem:)``; ``SearchError/badFile(name:problem:)`` if it is damaged, of another
    /// version, or asks for another preprocessing.
    public static func load(_ file: URL) throws -> ModelManifest {
        let bytes = try mapped(file)
        return try reading(file.path) {
            try ModelManifest(Json.parse(bytes, once: true).asObject("the manifest"), name: file.path)
        }
    }

    /// The first artefact of that format and encoder. Throws ``SearchError/mismatch(name:problem:)`` if there is none.
    public func artifact(format: String, encoder: String) throws -> Artifact {
        if let found = artifacts.first(where: { $0.format == format && $0.encoder == encoder }) { return found }
        let there = artifacts.map { "\($0.format) \($0.encoder) \($0.precision)" }.joined(separator: ", ")
        throw SearchError.mismatch(name: name, problem: "no \(encoder) encoder in \(format); there are \(there)")
    }
}

extension ModelManifest {
    /// Throws ``Malformed``.
    fileprivate init(_ members: [String: Json], name: String) throws {
        let version = try members.part("version").asInt("version")
        try wellFormed(version == Self.known, "a manifest of version \(version), expected \(Self.known)")
        self.name = name
        model = try members.text("model")
        space = try members.digest("space")
        dim = try members.part("embedding").asObject("embedding").count("dim")
        logitScale = try members.part("logit_scale").asDouble("logit_scale")
        logitBias = try members.optional("logit_bias")?.asDouble("logit_bias")
        labels = try members["labels"].map { try LabelShares($0.asText("labels")) } ?? .softmax
        preprocessor = try ImagePreprocessor(image: members.part("image").asObject("image"))
        let text = try members.part("text").asObject("text")
        self.text = try TextSpec(text)
        tokenizer = try TokenizerFile(text.part("tokenizer").asObject("tokenizer"))
        licence = try Licence(members.part("licence").asObject("licence"))
        isShippable = try members.part("shippable").asBool("shippable")
        catalog = try members["catalog"].map { try CatalogFile($0.asObject("catalog")) }
        artifacts = try members.part("artifacts").asArray("artifacts")
            .map { try Artifact($0.asObject("one of the artifacts")) }
    }
}

extension ModelManifest.LabelShares {
    fileprivate init(_ written: String) throws {
        guard let shares = Self(rawValue: written) else {
            throw Malformed("unknown labels: expected 'softmax' or 'sigmoid', found \(shown(written))")
        }
        self = shares
    }
}

extension ImagePreprocessor {
    fileprivate init(image: [String: Json]) throws {
        let width = try image.count("width")
        let height = try image.count("height")
        try wellFormed(width == height, "an image encoder of \(width) x \(height) pixels, expected a square")
        let resize = try image.part("resize").asObject("resize")
        let named = try resize.text("mode")
        guard let mode = ResizeMode(rawValue: named) else {
            throw Malformed("unknown resize mode: expected 'shortest' or 'squash', found \(shown(named))")
        }
        try wellFormed(resize.part("antialias").asBool("antialias"), "a resize without antialias, expected with")
        let crop = try image.text("crop")
        try wellFormed(crop == mode.crop, "unknown crop: expected '\(mode.crop)', found \(shown(crop))")
        let wanted = try resize.text("interpolation")
        guard let interpolation = ResizeInterpolation(rawValue: wanted) else {
            throw Malformed("unknown interpolation: expected 'bilinear' or 'bicubic', found \(shown(wanted))")
        }
        do {
            try self.init(size: width, interpolation: interpolation, mode: mode)
        } catch SearchError.badRequest(let problem) {
            throw Malformed(problem)
        }
    }
}

extension ModelManifest.TextSpec {
    fileprivate init(_ members: [String: Json]) throws {
        contextLength = try members.count("context_length")
        startToken = try members.optional("start_token").map { _ in try members.id("start_token") }
        endToken = try members.id("end_token")
        padToken = try members.id("pad_token")
        vocabulary = try members["vocabulary"] == nil ? endToken + 1 : members.count("vocabulary")
        if case .object(let languages) = try members.part("templates") {
            byLanguage = try languages.reduce(into: [:]) { $0[$1.key] = try languages.templates($1.key) }
            let first = languages.keys.min { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            guard let chosen = languages["en"] == nil ? first : "en" else { throw Malformed("no templates") }
            templates = try languages.templates(chosen)
        } else {
            byLanguage = [:]
            templates = try members.templates("templates")
        }
        scripts = Set(try members.texts("scripts"))
    }
}

extension ModelManifest.TokenizerFile {
    fileprivate init(_ members: [String: Json]) throws {
        path = try members.path()
        sha256 = try members.digest("sha256")
    }
}

extension ModelManifest.CatalogFile {
    fileprivate init(_ members: [String: Json]) throws {
        path = try members.path()
        digest = try members.digest("digest")
        bytes = try members.count("bytes")
    }
}

extension ModelManifest.Licence {
    fileprivate init(_ members: [String: Json]) throws {
        name = try members.text("name")
        url = try members.text("url")
        let use = try members.part("commercial_use")
        commercialUse = use == .null ? nil : try use.asBool("commercial_use")
    }
}

extension ModelManifest.Artifact {
    fileprivate init(_ members: [String: Json]) throws {
        encoder = try members.text("encoder")
        try wellFormed(
            encoder == "image" || encoder == "text",
            "an encoder of \(shown(encoder)), expected 'image' or 'text'")
        format = try members.text("format")
        precision = try members.text("precision")
        path = try members.path()
        sha256 = try members.digest("sha256")
        bytes = try members.count("bytes")
        minimumIOS = try members["minimum_ios"]?.asInt("minimum_ios")
    }
}

extension [String: Json] {
    fileprivate func text(_ name: String) throws -> String { try part(name).asText(name) }

    fileprivate func texts(_ name: String) throws -> [String] {
        try part(name).asArray(name).map { try $0.asText("one of the \(name)") }
    }

    /// Prompts, one at least.
    fileprivate func templates(_ name: String) throws -> [String] {
        let templates = try texts(name)
        try wellFormed(!templates.isEmpty, "no templates in \(shown(name))")
        for template in templates {
            try wellFormed(template.contains("{}"), "a template without {}: \(shown(template))")
        }
        return templates
    }

    /// The value of a key that may be missing or null.
    fileprivate func optional(_ name: String) -> Json? { self[name] == .null ? nil : self[name] }

    fileprivate func count(_ name: String) throws -> Int {
        let count = try part(name).asInt(name)
        try wellFormed(count >= 1, "\(name) is \(count), expected 1 or more")
        return count
    }

    fileprivate func id(_ name: String) throws -> Int {
        let id = try part(name).asInt(name)
        try wellFormed(id >= 0 && id <= Int32.max, "\(name) is \(id), expected 0 to \(Int32.max)")
        return id
    }

    fileprivate func digest(_ name: String) throws -> String {
        let digest = try text(name)
        try wellFormed(isDigest(digest.utf8), "\(name) is \(shown(digest)), not 64 hex digits")
        return digest
    }

    /// A path that stays beside the manifest.
    fileprivate func path() throws -> String {
        let path = try text("path")
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        try wellFormed(
            parts.allSatisfy { $0 != "" && $0 != "." && $0 != ".." } && !path.contains("\\"),
            "path is \(shown(path)), not one that is relative to the manifest's folder")
        return path
    }
}
