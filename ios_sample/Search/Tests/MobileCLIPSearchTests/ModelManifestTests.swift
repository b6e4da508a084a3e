import Foundation
import Testing

@testable import MobileCLIPSearch

struct ModelManifestTests {
    private let file = Dist.file("manifest.json")
    private let folder: Folder

    init() throws {
        folder = try Folder()
    }

    @Test func theDemosManifestFitsItsCatalogAndTokenizer() throws {
        let manifest = try ModelManifest.load(file)
        let catalog = try ProductCatalog.open(Dist.file("products.catalog"), space: manifest.space)
        #expect(catalog.dim == manifest.dim && catalog.model == manifest.model)
        #expect(try Dist.tokenizer().contextLength == manifest.text.contextLength)
        #expect(manifest.text.scripts == ["Latin"] && !manifest.text.templates.isEmpty)
        let image = try #require(manifest.artifacts.first { $0.format == "coreml" && $0.encoder == "image" })
        #expect(try manifest.artifact(format: "coreml", encoder: "image") == image)
        #expect(image.path == "coreml/image-\(image.precision).mlpackage" && image.minimumIOS == 16)
        refused(file.path, "no text encoder in none; there are coreml image \(image.precision)") {
            _ = try manifest.artifact(format: "none", encoder: "text")
        }
    }

    @Test func aManifestThatLacksAnythingOrHoldsAnotherKindIsRefusedByName() throws {
        let folder = try Folder()
        let members = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
        func refusedManifest(_ changed: [String: Any], _ says: String) throws {
            let bad = try folder.write([UInt8](JSONSerialization.data(withJSONObject: changed)), "manifest.json")
            refused(bad.path, says) { _ = try ModelManifest.load(bad) }
        }
        for key in members.keys where !["tool_versions", "created", "architecture", "weights"].contains(key) {
            try refusedManifest(members.filter { $0.key != key }, key)
            try refusedManifest(members.merging([key: [:] as [String: Any]]) { $1 }, "")
        }
        try refusedManifest(members.merging(["version": 2]) { $1 }, "version 2, expected 1")
        try refusedManifest(members.merging(["space": "AB"]) { $1 }, "space")
        try refusedManifest(members.merging(["artifacts": [1]]) { $1 }, "artifacts")
        var artifact = try #require((members["artifacts"] as? [[String: Any]])?.first)
        for path in ["../model", "/model", "a//b", "a/./b", "", "a\\b"] {
            artifact["path"] = path
            try refusedManifest(members.merging(["artifacts": [artifact]]) { $1 }, "relative")
        }
        var image = try #require(members["image"] as? [String: Any])
        for (key, value) in [("width", 65 as Any), ("crop", "none"), ("resize", ["mode": "squash"])] {
            let old = image.updateValue(value, forKey: key)
            try refusedManifest(members.merging(["image": image]) { $1 }, "")
            image[key] = old
        }
        let text = try #require(members["text"] as? [String: Any])
        for key in text.keys where key != "start_token" {
            try refusedManifest(members.merging(["text": text.filter { $0.key != key }]) { $1 }, key)
        }
        for key in ["start_token", "end_token", "pad_token"] {
            for id in [-1, 1 << 32] {
                try refusedManifest(members.merging(["text": text.merging([key: id]) { $1 }]) { $1 }, "\(key) is \(id)")
            }
        }
        try refusedManifest(members.merging(["text": text.merging(["templates": ["a"]]) { $1 }]) { $1 }, "'a'")
    }

    @Test(arguments: ResizeMode.allCases)
    func whatIsCroppedGoesWithTheResizeMode(_ mode: ResizeMode) throws {
        let folder = try Folder()
        var members = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
        for crop in ["centre", "none", "left"] {
            members["image"] = [
                "width": 24, "height": 24, "crop": crop,
                "resize": ["mode": mode.rawValue, "interpolation": "bilinear", "antialias": true] as [String: Any],
            ]
            let made = try folder.write([UInt8](JSONSerialization.data(withJSONObject: members)), "manifest.json")
            if crop == mode.crop {
                #expect(try ModelManifest.load(made).preprocessor.mode == mode)
            } else {
                refused(made.path, "expected '\(mode.crop)', found '\(crop)'") {
                    _ = try ModelManifest.load(made)
                }
            }
        }
    }

    @Test func theCatalogThatCameWithTheEncodersIsNamedOrNoneIs() throws {
        let folder = try Folder()
        let digest = String(repeating: "ab", count: 32)
        var members = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
        #expect(try ModelManifest.load(file).catalog == nil)
        let good: [String: Any] = ["path": "shop.catalog", "digest": digest, "bytes": 6_000_000_000]
        for (key, value) in [("", ""), ("path", "../a"), ("digest", "AB"), ("bytes", 0)] as [(String, Any)] {
            members["catalog"] = key.isEmpty ? good : good.merging([key: value]) { $1 }
            let made = try folder.write([UInt8](JSONSerialization.data(withJSONObject: members)), "manifest.json")
            if key.isEmpty {
                let catalog = ModelManifest.CatalogFile(path: "shop.catalog", digest: digest, bytes: 6_000_000_000)
                #expect(try ModelManifest.load(made).catalog == catalog)
            } else {
                refused(made.path, key) { _ = try ModelManifest.load(made) }
            }
        }
    }

    @Test func aTextMayHaveNoStartTokenAndUnknownKeysArePassedOver() throws {
        let folder = try Folder()
        var members = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
        for (start, expected) in [(nil, nil), (NSNull(), nil), (3, 3)] as [(Any?, Int?)] {
            var text: [String: Any] = [
                "context_length": 64, "end_token": 2, "pad_token": 1, "templates": ["{}"], "scripts": ["Latin", "Han"],
                "tokenizer": ["path": "a", "sha256": String(repeating: "ab", count: 32)], "family": "clip-bpe",
                "pooling": "first-end",
            ]
            text["start_token"] = start
            members["text"] = text
            let made = try folder.write([UInt8](JSONSerialization.data(withJSONObject: members)), "manifest.json")
            let spec = ModelManifest.TextSpec(
                contextLength: 64, startToken: expected, endToken: 2, padToken: 1, vocabulary: 3, templates: ["{}"],
                byLanguage: [:], scripts: ["Latin", "Han"])
            #expect(try ModelManifest.load(made).text == spec)
        }
    }

    /// The manifest with some of its members, and of those of `text`, replaced; nil leaves one out.
    private func changed(_ others: [String: Any?] = [:], text: [String: Any?] = [:]) throws -> URL {
        var members = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
        for (key, value) in others { members[key] = value }
        var spec = try #require(members["text"] as? [String: Any])
        for (key, value) in text { spec[key] = value }
        members["text"] = spec
        return try folder.write([UInt8](JSONSerialization.data(withJSONObject: members)), "manifest.json")
    }

    @Test func templatesAreThoseOfALanguageElseEnglishElseThoseOfTheFirst() throws {
        func templates(_ given: Any, _ language: String) throws -> [String] {
            let text = try ModelManifest.load(changed(text: ["templates": given])).text
            #expect(text.templates(language: "xx") == text.templates)
            return text.templates(language: language)
        }
        let many = ["zh": ["\u{4E00}{}"], "en": ["a {}"], "de": ["ein {}"]]
        #expect(try templates(many, "zh") == ["\u{4E00}{}"])
        #expect(try templates(many, "fr") == ["a {}"])
        #expect(try templates(["zh": ["{}"], "de": ["ein {}"]], "fr") == ["ein {}"])
        #expect(try templates(["{}!"], "zh") == ["{}!"])
        for bad in [[], [:], ["zh": []], ["zh": ["a"]], ["en": "{}"], ["zh": [1]], "{}"] as [Any] {
            let made = try changed(text: ["templates": bad])
            refused(made.path, "") { _ = try ModelManifest.load(made) }
        }
    }

    @Test func labelsGetTheirSharesAsTheManifestSays() throws {
        let plain = try ModelManifest.load(changed(["labels": nil as Any?, "logit_bias": NSNull()]))
        #expect(plain.labels == .softmax && plain.logitBias == nil)
        let own = try ModelManifest.load(changed(["labels": "sigmoid", "logit_bias": -16.5]))
        #expect(own.labels == .sigmoid && own.logitBias == -16.5)
        for (key, value) in [("labels", "max"), ("labels", 1), ("logit_bias", "1")] as [(String, Any)] {
            let made = try changed([key: value])
            refused(made.path, key) { _ = try ModelManifest.load(made) }
        }
    }

    @Test func theTextEncodersVocabularyIsUpToTheEndTokenUnlessItIsGiven() throws {
        let plain = try ModelManifest.load(changed(text: ["vocabulary": nil as Any?])).text
        #expect(plain.vocabulary == plain.endToken + 1)
        #expect(try ModelManifest.load(changed(text: ["vocabulary": 256_000])).text.vocabulary == 256_000)
        let none = try changed(text: ["vocabulary": 0])
        refused(none.path, "vocabulary") { _ = try ModelManifest.load(none) }
    }
}
