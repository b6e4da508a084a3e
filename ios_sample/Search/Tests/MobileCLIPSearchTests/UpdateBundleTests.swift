import Foundation
import Testing

@testable import MobileCLIPSearch

/// Encoders that come with an update, cut off and damaged: from Tuesday's catalog and the app's own encoders to others.
struct UpdateBundleTests {
    private let folder: Folder
    private let bundled: ProductCatalog
    private let inside: [String: Data]  // by the paths in the bundle's folder
    private let site: UpdateSite
    private let small = 200  // bytes of a block, so that there are many
    private var state: URL { folder.url.appendingPathComponent("updates") }

    private static func bytes(_ name: String) throws -> Data { try Data(contentsOf: Goldens.file("updates/" + name)) }

    init() throws {
        folder = try Folder()
        bundled = try ProductCatalog.open(Goldens.file("updates/tuesday.catalog"))
        var files = try filesIn(Goldens.file("updates/bundle"))
        files["image.mlpackage/Data/weights/weight.bin"] = Data((0..<5_000).map { UInt8(truncatingIfNeeded: $0 * 7) })
        inside = files
        var site = UpdateSite(files: [:], block: small)
        for (path, file) in files { site.files["b/" + path] = file }
        for name in ["foreign.catalog", "foreign-2.catalog", "wednesday.catalog", "deltas/foreign-2.delta"] {
            site.files[name] = try Self.bytes(name)
        }
        self.site = site
    }

    private var manifest: [String: Any] {
        let paths = inside.keys.sorted().filter { $0 != "manifest.json" }
        let files = paths.map { published("b/" + $0, inside[$0] ?? Data()) }
        return published("b/manifest.json", inside["manifest.json"] ?? Data(), ["files": files])
    }

    /// A site whose statement names `catalog` and the bundle.
    private func night(_ number: Int = 2, _ catalog: String = "foreign.catalog") throws -> UpdateSite {
        let made = try ProductCatalog.open(Goldens.file("updates/" + catalog))
        let base = try ProductCatalog.open(Goldens.file("updates/foreign.catalog"))
        let delta = try published(
            "deltas/foreign-2.delta", Self.bytes("deltas/foreign-2.delta"), ["base": base.digest])
        return try site.publishing([
            "format": "mobileclip-update", "version": 1, "name": "shop", "number": number, "space": made.space,
            "catalog": published(catalog, Self.bytes(catalog), ["digest": made.digest]),
            "deltas": catalog == "foreign-2.catalog" ? [delta] : [], "manifest": manifest,
        ])
    }

    private func device(_ site: UpdateSite, _ disk: Disk = Disk(), asked: Asked = Asked()) throws -> CatalogUpdates {
        try CatalogUpdates(
            name: "shop", folder: state, bundled: bundled, keys: [UpdateSite.key], takesBundles: true,
            fetch: { path, from in
                asked.add(path)
                return try await site.fetch(path, from)
            }, check: holdsByDigest, today: { Date() }, disk: disk)
    }

    private func clear() { try? FileManager.default.removeItem(at: state) }

    private func left(_ suffix: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: state.path)) ?? []).filter { $0.hasSuffix(suffix) }
    }

    /// The old catalog with the app's own encoders, or the new one with the whole bundle; whether it is the new one.
    private func expectWhole(_ found: CatalogInForce, _ moment: Comment) throws -> Bool {
        try found.catalog.verify()
        let isNew = found.number == 2
        #expect((found.catalog.space != bundled.space) == isNew, moment)
        #expect(try found.encoders.map(filesIn) == (isNew ? inside : nil), moment)
        return isNew
    }

    private func failure(_ device: CatalogUpdates) async -> UpdateError? {
        do {
            _ = try await device.update()
            return nil
        } catch {
            return error as? UpdateError
        }
    }

    @Test func aKillAtAnyMomentLeavesTheOldPairOrTheNewOne() async throws {
        let site = try night()
        var (moments, news, isOver) = (0, 0, false)
        while !isOver {
            clear()
            let faults = Faults(from: moments)
            let outcome = try? await device(site, faults.disk).update()
            isOver = faults.count <= moments
            let moment: Comment = "change \(moments)"
            if case .updated(let new, _, _)? = outcome { #expect(try expectWhole(new, moment), moment) }
            let again = try device(site)
            let isNew = try expectWhole(again.start, moment)
            if outcome != nil { #expect(isNew, moment) }
            news += isNew ? 1 : 0
            _ = try await again.update()
            #expect(try expectWhole(try device(site).start, moment), moment)
            #expect(left(".part").isEmpty && left(".partial").isEmpty, moment)
            #expect(left(".bundle").count == 1 && left(".catalog").count == 1, moment)
            moments += 1
        }
        #expect(moments > 60 && news > 1 && news < 14)
        print("killed at \(moments) moments (bundle)")
    }

    @Test func aFullDiskIsSaidAndTheOldPairStays() async throws {
        let site = try night()
        var (moment, failures) = (0, 0)
        while true {
            clear()
            let faults = Faults(from: moment, of: ["write", "sync", "make"])
            let error = try await failure(device(site, faults.disk))
            if faults.count <= moment { break }
            if let error {
                #expect(error.kind == .disk, "\(error)")
                #expect(try expectWhole(try device(site).start, "write \(moment)") == false)
                failures += 1
            }
            #expect(try await failure(device(site)) == nil)
            #expect(try expectWhole(try device(site).start, "write \(moment)"))
            moment += 1
        }
        #expect(failures > 40)
    }

    @Test func encodersWhoseCatalogDidNotComeAreThereAfterAStart() async throws {
        var site = try night()
        let catalog = site.files.removeValue(forKey: "foreign.catalog")
        #expect(try await failure(device(site))?.kind == .network)
        site.files["foreign.catalog"] = catalog
        let asked = Asked()
        #expect(try await failure(device(site, asked: asked)) == nil)
        #expect(asked.all == ["shop.update", "foreign.catalog"])
        #expect(try expectWhole(device(site).start, "after it"))
    }

    @Test func aDownloadThatEndsEarlyGoesOnFileByFile() async throws {
        var site = try night()
        let total = inside.values.reduce(0) { $0 + $1.count }
        site.most = try #require(site.files["shop.update"]).count
        let asked = Asked()
        let device = try device(site, asked: asked)
        var rounds = 0
        while let error = await failure(device) {
            #expect(error.kind == .network, "\(error)")
            rounds += 1
            try #require(rounds < 20)
        }
        let cut = inside.values.map { ($0.count + site.most - 1) / site.most - 1 }.reduce(0, +)
        #expect(cut > 0 && rounds >= cut && total > site.most)
        for path in inside.keys {
            let parts = (inside[path]?.count ?? 0) + site.most - 1
            #expect(asked.count("b/" + path) == parts / site.most, "\(path)")
        }
        #expect(try expectWhole(try self.device(site).start, ""))
    }

    @Test func aDamagedFileCostsItselfAloneAndOneThatWasWholeTheFolder() async throws {
        let (good, damaged) = try (night(), "b/text.tflite")
        var bad = good
        bad.files[damaged]?[3] ^= 1
        #expect(try await failure(device(bad))?.kind == .damaged)
        let part = try #require(left(".bundle.part").first)
        #expect(left(".part") == [part])
        let asked = Asked()
        var cut = good
        cut.files["foreign.catalog"] = nil
        #expect(try await failure(device(cut, asked: asked))?.kind == .network)
        #expect(asked.all == ["shop.update", damaged, "b/tokenizer.safetensors", "foreign.catalog"])
        let again = Asked()
        #expect(try await failure(device(cut, asked: again))?.kind == .network)
        #expect(again.all == ["shop.update", "foreign.catalog"])
        try Data(count: inside["text.tflite"]?.count ?? 0).write(
            to: state.appendingPathComponent(part).appendingPathComponent("text.tflite"))
        #expect(try await failure(device(good))?.kind == .damaged)
        #expect(left(".bundle.part").isEmpty && left(".bundle").isEmpty)
        #expect(try await failure(device(good)) == nil)
        #expect(try expectWhole(try device(good).start, ""))
    }

    @Test func aBundleThatIsThereIsNotFetchedAgainBeforeItsCatalogComes() async throws {
        let site = try night()
        var cut = site
        cut.files["foreign.catalog"] = nil
        let (asked, files) = (Asked(), Box(cut))
        let device = try CatalogUpdates(
            name: "shop", folder: state, bundled: bundled, keys: [UpdateSite.key], takesBundles: true,
            fetch: { path, from in
                asked.add(path)
                return try await files.site.fetch(path, from)
            }, check: holdsByDigest)
        #expect(await failure(device)?.kind == .network)
        files.site = site
        let before = asked.all.count
        #expect(await failure(device) == nil)
        #expect(asked.all.dropFirst(before) == ["shop.update", "foreign.catalog"])
    }

    @Test func theNightAfterFetchesADeltaAloneAndTheWayBackLeavesNoBundle() async throws {
        guard case .updated(let first, _, _) = try await device(night()).update() else {
            Issue.record("no bundle")
            return
        }
        let asked = Asked()
        let following = try device(night(3, "foreign-2.catalog"), asked: asked)
        guard case .updated(let new, .delta, _) = try await following.update() else {
            Issue.record("no delta")
            return
        }
        #expect(asked.all == ["shop.update", "deltas/foreign-2.delta"])
        #expect(try new.encoders.map(filesIn) == inside && new.encoders == first.encoders)
        let back = try device(night(4, "wednesday.catalog"))  // its manifest is passed over
        guard case .updated(let own, .whole, _) = try await back.update() else {
            Issue.record("not back")
            return
        }
        #expect(own.encoders == nil && own.catalog.space == bundled.space)
        #expect(left(".bundle").count == 1)  // a search that runs may load them
        #expect(try device(site).start.number == 4 && left(".bundle").isEmpty)
    }

    @Test func withoutLeaveAnUpdateWithOtherEncodersIsRefusedAndOneOfTheOwnSpaceTaken() async throws {
        func device(_ site: UpdateSite) throws -> CatalogUpdates {
            try CatalogUpdates(
                name: "shop", folder: state, bundled: bundled, keys: [UpdateSite.key], fetch: site.fetch,
                check: holdsByDigest)
        }
        #expect(try await failure(device(night()))?.kind == .refused)
        #expect(try await failure(device(night(2, "wednesday.catalog"))) == nil)
        #expect(try device(site).start.number == 2 && left(".bundle").isEmpty)
    }

    @Test func whatIsGivenUpIsRefusedOnEveryNightAndTheOwnSpaceTaken() async throws {
        let (site, problem) = (try night(), SearchError.badRequest("Core ML cannot load it"))
        _ = try await device(site).update()
        let events = Events()
        let device = try CatalogUpdates(
            name: "shop", folder: state, bundled: bundled, keys: [UpdateSite.key], takesBundles: true,
            fetch: site.fetch, check: holdsByDigest, onEvent: events.add)
        let own = try await device.giveUp(device.start, because: problem)
        #expect(own.number == 0 && own.encoders == nil && left(".bundle").isEmpty)
        #expect(events.all == [.gaveUp(problem: problem.description)])
        #expect(await failure(device)?.kind == .refused)
        #expect(try await failure(self.device(night(3)))?.kind == .refused)
        let next = try self.device(night(3, "wednesday.catalog"))
        #expect(await failure(next) == nil)
        #expect(try await next.giveUp(device.start, because: problem).number == 3)  // of before, no longer in force
    }

    @Test func givingUpThatFailsOrIsKilledLeavesOneOfTheTwo() async throws {
        let site = try night()
        var (moment, stayed) = (0, 0)
        while true {
            clear()
            _ = try await device(site).update()
            let faults = Faults(from: moment)
            let device = try device(site, faults.disk)
            let found = try? await device.giveUp(device.start, because: SearchError.outOfMemory("none"))
            #expect(found == nil || found?.number == 0)
            let again = try self.device(site).start
            let isGivenUp = !left("given-up").isEmpty
            #expect(try expectWhole(again, "change \(moment)") == !isGivenUp)
            #expect(isGivenUp || found == nil)
            stayed += isGivenUp ? 0 : 1
            if faults.count <= moment { break }
            moment += 1
        }
        #expect(stayed > 1 && moment > stayed)
    }
}

/// What was asked for, in its order.
private final class Asked: @unchecked Sendable {
    private let lock = NSLock()
    private var paths: [String] = []

    var all: [String] { lock.withLock { paths } }

    func add(_ path: String) { lock.withLock { paths.append(path) } }

    func count(_ path: String) -> Int { all.filter { $0 == path }.count }
}

/// A site that changes.
private final class Box: @unchecked Sendable {
    private let lock = NSLock()
    private var now: UpdateSite

    init(_ site: UpdateSite) {
        now = site
    }

    var site: UpdateSite {
        get { lock.withLock { now } }
        set { lock.withLock { now = newValue } }
    }
}
