import Foundation
import Testing

@testable import MobileCLIPSearch

/// What `parity/goldens/updates` says, with real signatures.
struct UpdateGoldenTests {
    private let answers: [String: Json]
    private let folder: Folder
    private let bundled: ProductCatalog
    private let keys: [UpdateKey]

    init() throws {
        answers = try Goldens.json(Self.file("answers.json"))
        folder = try Folder()
        bundled = try ProductCatalog.open(Self.file("base.catalog"))
        let lines = try String(contentsOf: Self.file("key.txt"), encoding: .utf8).split(separator: "\n")
        keys = try lines.map { try UpdateKey(String($0)) }
    }

    private static func file(_ name: String) -> URL { Goldens.file("updates/" + name) }

    private static func bytes(_ name: String) throws -> Data { try Data(contentsOf: file(name)) }

    private func date(_ day: String) throws -> Date {
        try Date(day + "T12:00:00Z", strategy: .iso8601)
    }

    private func device(_ golden: [String: Json], site: UpdateSite, statement: Data? = nil) throws -> CatalogUpdates {
        let today = try date((golden["today"] ?? answers.part("today")).asText("today"))
        let used = try golden.part("keys").asArray("keys").map { keys[try $0.asInt("a key")] }
        return try CatalogUpdates(
            name: answers.text("name"), folder: folder.url, bundled: bundled, statement: statement, keys: used,
            takesBundles: golden["bundles"] == .bool(true), fetch: site.fetch, check: holdsByP256, today: { today })
    }

    private func edited(_ file: Data, _ edit: Json?) throws -> Data {
        guard case .object(let edit)? = edit else { return file }
        if edit["cut"] != nil { return file.prefix(try edit.int("cut")) }
        if edit["append"] != nil { return file + Data(count: try edit.int("append")) }
        var made = file
        if edit["flip"] != nil { made[try edit.int("flip")] ^= 1 << UInt8(try edit.int("bit")) }
        return made
    }

    private func site(_ golden: [String: Json]) throws -> UpdateSite {
        var files = try filesIn(Goldens.file("updates"))
        files["shop.update"] = try edited(Self.bytes(golden.text("file")), golden["edit"])
        for (name, edit) in try golden["serve"]?.asObject("serve") ?? [:] {
            files[name] = edit == .null ? nil : try edited(Self.bytes(name), edit)
        }
        return UpdateSite(files: files)
    }

    private func put(_ statement: String) throws {
        let bytes = try Self.bytes(statement)
        let read = try UpdateStatement.read(bytes, keys: keys, check: holdsByP256)
        _ = try folder.write([UInt8](bytes), "shop.update")
        let catalog = try Self.bytes(read.catalog.path)
        _ = try folder.write([UInt8](catalog), read.digest + ".catalog")
        guard try read.space != answers.text("space"), let manifest = read.manifest else { return }
        for (path, file) in manifest.all {
            _ = try folder.write([UInt8](Self.bytes(file.path)), "\(manifest.file.sha256).bundle/\(path)")
        }
    }

    /// The app's own where `golden` names none, else a folder that holds its files.
    private func expectEncoders(_ found: CatalogInForce, _ golden: [String: Json], _ name: Comment) throws {
        guard let source = try golden["encoders"]?.asText("encoders") else {
            #expect(found.encoders == nil && found.catalog.space == bundled.space, name)
            return
        }
        let manifest = try sha256([Self.bytes(source + "/manifest.json")])
        #expect(found.encoders?.lastPathComponent == manifest + ".bundle", name)
        #expect(try found.encoders.map(filesIn) == filesIn(Self.file(source)), name)
        #expect(found.catalog.space != bundled.space, name)
    }

    private func putGivenUp(_ golden: [String: Json]) throws {
        guard let digest = golden["given_up"] else { return }
        _ = try folder.write(Array(digest.asText("given_up").utf8), "given-up")
    }

    private func highest() throws -> Int {
        let file = folder.url.appendingPathComponent("highest")
        guard FileManager.default.fileExists(atPath: file.path) else { return 0 }
        return try #require(Int(String(contentsOf: file, encoding: .utf8)))
    }

    private func clear() throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.url.path) {
            try FileManager.default.removeItem(at: folder.url.appendingPathComponent(name))
        }
    }

    @Test func everyUpdateEndsAsTheGoldensSay() async throws {
        let cases = try answers.objects("cases")
        #expect(cases.count > 50)
        for golden in cases {
            try clear()
            if try golden.part("in_force") != .null { try put(golden.text("in_force")) }
            if try golden.int("highest") > 0 {
                _ = try folder.write(Array("\(golden.int("highest"))".utf8), "highest")
            }
            try putGivenUp(golden)
            for (path, count) in try golden["parts"]?.asObject("parts") ?? [:] {
                let whole = try Self.bytes(path)
                _ = try folder.write([UInt8](whole.prefix(try count.asInt("bytes"))), sha256([whole]) + ".part")
            }
            let name = Comment(rawValue: try golden.text("name"))
            let device = try device(golden, site: site(golden))
            let expected = try golden.part("expected").asObject("expected")
            try await expectAnswer(device, expected, name)
            let again = try self.device(golden, site: site(golden))
            #expect(try again.start.number == expected.int("in_force"), name)
            try again.start.catalog.verify()
            try expectEncoders(again.start, expected, name)
            #expect(try highest() == expected.int("highest"), name)
            let kind = try expected["kind"]?.asText("kind")
            #expect(try left(".part").filter { !$0.hasSuffix(".bundle.part") }.isEmpty || kind == "NETWORK", name)
            #expect(try left(".bundle.part").isEmpty || kind != nil, name)
        }
    }

    private func left(_ suffix: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.url.path).filter { $0.hasSuffix(suffix) }
    }

    private func expectAnswer(_ device: CatalogUpdates, _ expected: [String: Json], _ name: Comment) async throws {
        do {
            switch try await device.update() {
            case .current: #expect(try expected.text("answer") == "current", name)
            case .updated(let new, let how, let fetched):
                #expect(try expected.text("answer") == "updated", name)
                #expect(try expected.text("how") == "\(how)" && expected.int("number") == new.number, name)
                #expect(try expected.bool("expired") == new.isExpired, name)
                if expected["fetched"] != nil { #expect(try expected.int("fetched") == fetched, name) }
                let statement = try UpdateStatement.read(
                    Data(contentsOf: folder.url.appendingPathComponent("shop.update")), keys: keys, check: holdsByP256)
                #expect(new.catalog.digest == statement.digest, name)
                try expectEncoders(new, expected, name)
            }
        } catch let error as UpdateError {
            #expect(try expected.text("answer") == "failed", "\(name): \(error)")
            #expect(try expected.text("kind").lowercased() == "\(error.kind)", "\(name): \(error)")
            #expect(isOneLine(error.description, naming: error.name))
        }
    }

    @Test func everyMalformedStatementIsRefused() throws {
        let text = try Self.bytes("statements/tuesday.update").dropFirst(64)
        let signature = Data(count: 64)
        _ = try UpdateStatement.read(signature + text, keys: keys) { _, _, _ in true }
        let cases = try answers.objects("malformed")
        #expect(cases.count > 50)
        for golden in cases {
            let (old, new) = try (bytes(golden, "old"), bytes(golden, "new"))
            var made = Data(text)
            if old.isEmpty { made = new } else { made.replaceSubrange(try #require(made.range(of: old)), with: new) }
            let name = Comment(rawValue: try golden.text("name"))
            #expect(throws: UpdateError.self, name) {
                try UpdateStatement.read(signature + made, keys: keys) { _, _, _ in true }
            }
        }
    }

    private func bytes(_ golden: [String: Json], _ key: String) throws -> Data {
        try #require(Data(base64Encoded: golden.text(key)))
    }

    @Test func everyStartFindsWhatTheGoldensSay() async throws {
        let cases = try answers.objects("starts")
        #expect(cases.count > 15)
        for golden in cases {
            try clear()
            let edits = try golden["edit"]?.asObject("edit") ?? [:]
            for (name, source) in try golden.part("state").asObject("state") {
                let bytes = try edited(Self.bytes(source.asText("a source")), edits[name])
                _ = try folder.write([UInt8](bytes), name)
            }
            if try golden.part("highest") != .null {
                _ = try folder.write(Array(golden.text("highest").utf8), "highest")
            }
            try putGivenUp(golden)
            let statement = try golden.part("bundled") == .null ? nil : try Self.bytes(golden.text("bundled"))
            let name = Comment(rawValue: try golden.text("name"))
            let started = try device(golden, site: UpdateSite(files: [:]), statement: statement)
            #expect(try started.start.number == golden.int("in_force"), name)
            try started.start.catalog.verify()
            try expectEncoders(started.start, golden, name)
            #expect(try left(".bundle").count == (started.start.encoders == nil ? 0 : 1), name)
            #expect(try highest() == golden.int("highest_after"), name)
            let left = try FileManager.default.contentsOfDirectory(atPath: folder.url.path)
            let came = try statement.map { try UpdateStatement.read($0, keys: keys, check: holdsByP256).number } ?? 0
            #expect(left.contains("shop.update") == (started.start.number > came), name)
            let isBundled = started.start.catalog.digest == bundled.digest
            #expect(left.filter { $0.hasSuffix(".catalog") }.count == (isBundled ? 0 : 1), name)
            #expect(started.start.isExpired == (golden["name"] == .text("expired")), name)
        }
    }

    @Test func whatIsGivenUpIsNotTakenAgain() async throws {
        let cases = try answers.objects("give_ups")
        #expect(cases.count > 2)
        for var golden in cases {
            try clear()
            golden["keys"] = .array([.number("0")])
            try put(golden.text("in_force"))
            if try golden.part("highest") != .null {
                _ = try folder.write(Array("\(golden.int("highest"))".utf8), "highest")
            }
            try putGivenUp(golden)
            let name = Comment(rawValue: try golden.text("name"))
            let device = try device(golden, site: UpdateSite(files: [:]))
            #expect(device.start.encoders != nil, name)
            let found = try await device.giveUp(device.start, because: SearchError.badRequest("no such processor"))
            for found in [found, try self.device(golden, site: UpdateSite(files: [:])).start] {
                #expect(try found.number == golden.int("in_force_after"), name)
                try expectEncoders(found, [:], name)
                #expect(try highest() == golden.int("highest_after"), name)
                #expect(try left("").sorted() == ["given-up", "highest"], name)
            }
        }
    }

    @Test func aDamagedDeltaGivesItsCatalogOrNone() throws {
        let golden = try answers.part("damaged_deltas").asObject("damaged_deltas")
        let base = try ProductCatalog.open(Self.file(golden.text("base")))
        let (whole, result) = try (Self.bytes(golden.text("delta")), Self.bytes(golden.text("result")))
        let edits = try golden.part("edits").asArray("edits")
        #expect(edits.count > 200)
        var refusals = 0
        for edit in edits {
            var made = whole
            for one in try edit.asArray("an edit") {
                let pair = try one.asArray("a place").map { try $0.asInt("a number") }
                made[pair[0]] = UInt8(pair[1])
            }
            if try !expectResult(of: made, base, result) { refusals += 1 }
        }
        #expect(refusals > edits.count / 2)
        #expect(try expectResult(of: whole, base, result))
    }

    /// Whether the delta gives a catalog, which then is the right one.
    private func expectResult(of delta: Data, _ base: ProductCatalog, _ result: Data) throws -> Bool {
        let target = folder.url.appendingPathComponent("result.catalog")
        try? FileManager.default.removeItem(at: target)
        let file = try folder.write([UInt8](delta), "a.delta")
        if let error = failure({ _ = try CatalogDelta.open(file).apply(to: base, writing: target) }) {
            #expect(ErrorKind(of: error) != .other, "\(error)")
            #expect(!FileManager.default.fileExists(atPath: target.path))
            return false
        }
        #expect(try Data(contentsOf: target) == result)
        return true
    }
}
