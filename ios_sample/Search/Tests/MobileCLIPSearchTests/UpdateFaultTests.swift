import Foundation
import Testing

@testable import MobileCLIPSearch

/// Updates that are cut off, from Tuesday to Wednesday.
struct UpdateFaultTests {
    private let folder: Folder
    private let bundled: ProductCatalog
    private let wednesday: Data
    private let site: UpdateSite
    private let small = 100  // bytes of a block, so that there are many

    private static func bytes(_ name: String) throws -> Data { try Data(contentsOf: Goldens.file("updates/" + name)) }

    init() throws {
        folder = try Folder()
        bundled = try ProductCatalog.open(Goldens.file("updates/tuesday.catalog"))
        wednesday = try Self.bytes("wednesday.catalog")
        site = UpdateSite(
            files: ["wednesday.catalog": wednesday, "wednesday.delta": try Self.bytes("deltas/wednesday.delta")],
            block: small)
    }

    private func statement(number: Int = 2, delta: Bool) throws -> [String: Any] {
        let made = try ProductCatalog.open(Goldens.file("updates/wednesday.catalog"))
        let day = try Self.bytes("deltas/wednesday.delta")
        let deltas = delta ? [published("wednesday.delta", day, ["base": bundled.digest])] : []
        return [
            "format": "mobileclip-update", "version": 1, "name": "shop", "number": number, "space": bundled.space,
            "catalog": published("wednesday.catalog", wednesday, ["digest": made.digest]), "deltas": deltas,
        ]
    }

    private func signed(delta: Bool) throws -> UpdateSite { try site.publishing(statement(delta: delta)) }

    private func device(
        _ site: UpdateSite, _ disk: Disk = Disk(), onEvent: @escaping @Sendable (UpdateEvent) -> Void = { _ in }
    ) throws -> CatalogUpdates {
        try CatalogUpdates(
            name: "shop", folder: folder.url.appendingPathComponent("updates"), bundled: bundled,
            keys: [UpdateSite.key], fetch: site.fetch, check: holdsByDigest, today: { Date() }, onEvent: onEvent,
            disk: disk)
    }

    private func clear() throws {
        try? FileManager.default.removeItem(at: folder.url.appendingPathComponent("updates"))
    }

    private func files(_ suffix: String = "") -> [String] {
        let path = folder.url.appendingPathComponent("updates").path
        return ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).filter { $0.hasSuffix(suffix) }
    }

    /// The old catalog or the new one, whole; whether it is the new one.
    private func expectWhole(_ found: CatalogInForce, _ moment: Comment) throws -> Bool {
        try found.catalog.verify()
        let isNew = found.number == 2
        let expected = try isNew ? wednesday : Self.bytes("tuesday.catalog")
        #expect(try Data(contentsOf: URL(fileURLWithPath: found.catalog.name)) == expected, moment)
        return isNew
    }

    @Test(arguments: [true, false])
    func aKillAtAnyMomentLeavesTheOldCatalogOrTheNewOne(delta: Bool) async throws {
        let site = try signed(delta: delta)
        var (moments, news) = (0, 0)
        var isOver = false
        while !isOver {
            try clear()
            let faults = Faults(from: moments)
            let killed = try device(site, faults.disk)
            let outcome = try? await killed.update()
            isOver = faults.count <= moments
            let moment: Comment = "\(delta ? "delta" : "whole"), change \(moments)"
            if case .updated(let new, _, _)? = outcome { #expect(try expectWhole(new, moment), moment) }
            let again = try device(site)
            let isNew = try expectWhole(again.start, moment)
            if outcome != nil { #expect(isNew, moment) }
            news += isNew ? 1 : 0
            _ = try await again.update()
            #expect(try expectWhole(try device(site).start, moment), moment)
            #expect(files(".part").isEmpty && files(".partial").isEmpty && files(".catalog").count == 1, moment)
            moments += 1
        }
        #expect(moments > (delta ? 40 : 60) && news > 1 && news < 12)
        print("killed at \(moments) moments (\(delta ? "delta" : "whole"))")
    }

    @Test(arguments: [true, false])
    func aFullDiskIsSaidAndTheOldCatalogStays(delta: Bool) async throws {
        let site = try signed(delta: delta)
        var (moment, failures) = (0, 0)
        while true {
            try clear()
            let faults = Faults(from: moment, of: ["write", "sync"])
            let full = try device(site, faults.disk)
            let error = await failure { _ = try await full.update() }
            if faults.count <= moment { break }
            if let error {
                #expect(error.kind == .disk, "\(error)")
                #expect(try expectWhole(try device(site).start, "write \(moment)") == false)
                failures += 1
            }
            _ = try await device(site).update()
            #expect(try expectWhole(try device(site).start, "write \(moment)"))
            moment += 1
        }
        #expect(failures > 30)
    }

    private func failure(_ body: () async throws -> Void) async -> UpdateError? {
        do {
            try await body()
            return nil
        } catch {
            return error as? UpdateError
        }
    }

    @Test(arguments: [true, false])
    func aDownloadThatEndsEarlyGoesOnFromThere(delta: Bool) async throws {
        var site = try signed(delta: delta)
        site.most = 1_000
        let device = try device(site)
        var (rounds, ends) = (0, [UpdateError.Kind]())
        while rounds < 20 {
            rounds += 1
            if let error = await failure({ _ = try await device.update() }) { ends.append(error.kind) } else { break }
        }
        let size = delta ? try Self.bytes("deltas/wednesday.delta").count : wednesday.count
        #expect(rounds == (size + site.most - 1) / site.most && Set(ends) == [.network])
        #expect(try expectWhole(try self.device(site).start, ""))
    }

    @Test func aServerWithoutRangesStartsAnew() async throws {
        var site = try signed(delta: false)
        (site.knowsRanges, site.most) = (false, 5_000)
        #expect(await failure { _ = try await device(site).update() }?.kind == .network)
        #expect(await failure { _ = try await device(site).update() }?.kind == .network)
        site.most = .max
        guard case .updated(_, .whole, let fetched) = try await device(site).update() else {
            Issue.record("no update")
            return
        }
        #expect(fetched > wednesday.count)
        #expect(try expectWhole(try device(site).start, ""))
    }

    @Test func aServerThatNeverEndsIsLeft() async throws {
        let endless = UpdateDownload(start: 0) { Data(count: 50_000) }
        let site = try signed(delta: false)
        for path in ["shop.update", "wednesday.catalog"] {
            let asked = Counter()
            let device = try CatalogUpdates(
                name: "shop", folder: folder.url.appendingPathComponent("updates"), bundled: bundled,
                keys: [UpdateSite.key],
                fetch: { wanted, from in
                    asked.add()
                    return wanted == path ? endless : try await site.fetch(wanted, from)
                }, check: holdsByDigest)
            let error = await failure { _ = try await device.update() }
            #expect(error?.kind == (path == "shop.update" ? .refused : .damaged) && asked.count <= 2)
            #expect(files(".part").isEmpty)
        }
    }

    @Test func aCancelledUpdateKeepsWhatCameAndTheNextGoesOn() async throws {
        let site = try signed(delta: false)
        let blocks = Counter()
        let device = try CatalogUpdates(
            name: "shop", folder: folder.url.appendingPathComponent("updates"), bundled: bundled,
            keys: [UpdateSite.key],
            fetch: { path, from in
                let download = try await site.fetch(path, from)
                return UpdateDownload(start: download.start) {
                    if path != "shop.update", blocks.add() == 10 { withUnsafeCurrentTask { $0?.cancel() } }
                    return try await download.next()
                }
            }, check: holdsByDigest)
        let task = Task { _ = try await device.update() }
        await #expect(throws: CancellationError.self) { try await task.value }
        let part = try #require(files(".part").first)
        let path = folder.url.appendingPathComponent("updates").appendingPathComponent(part)
        #expect(Disk().size(path) == 9 * small)
        guard case .updated(let new, .whole, let fetched) = try await device.update() else {
            Issue.record("no update")
            return
        }
        #expect(try expectWhole(new, "") && fetched < wednesday.count)
    }

    @Test func oneUpdateRunsAtATime() async throws {
        let device = try device(signed(delta: true))
        async let first = device.update()
        async let second = device.update()
        let outcomes = try await [first, second].map { outcome in
            if case .current = outcome { return "current" }
            return "updated"
        }
        #expect(outcomes.sorted() == ["current", "updated"])
    }

    @Test func whatWasWrongIsTold() async throws {
        let events = Events()
        var site = try signed(delta: true)
        site.files["wednesday.delta"]?[1_500] ^= 1
        _ = try await device(site, onEvent: events.add).update()
        guard case .deltaFailed(let problem)? = events.all.first else {
            Issue.record("\(events.all)")
            return
        }
        #expect(problem.hasPrefix("wednesday.delta") && events.all.count == 1)
        let catalog = try #require(files(".catalog").first)
        _ = try folder.write([], "updates/" + catalog)
        #expect(try device(site, onEvent: events.add).start.number == 0)
        guard case .passedOver? = events.all.last else {
            Issue.record("\(events.all)")
            return
        }
    }

    @Test func aNameOrKeysThatAreNoneAreRefused() throws {
        func made(_ name: String, _ keys: [UpdateKey]) throws {
            _ = try CatalogUpdates(
                name: name, folder: folder.url, bundled: bundled, keys: keys, fetch: site.fetch, check: holdsByDigest)
        }
        try made("shop-2", [UpdateSite.key])
        for name in ["", ".shop", "a/b", "sh\u{F6}p", "\u{212A}", String(repeating: "a", count: 65)] {
            #expect(throws: SearchError.self) { try made(name, [UpdateSite.key]) }
        }
        #expect(throws: SearchError.self) { try made("shop", []) }
        for key in ["", "AAAA", "%", UpdateSite.key.der.dropLast().base64EncodedString()] {
            #expect(throws: SearchError.self) { try UpdateKey(key) }
        }
    }

    @Test func theHighestNumberMayLieElsewhere() async throws {
        let other = folder.url.appendingPathComponent("kept/number")
        func device(_ number: Int) throws -> CatalogUpdates {
            try CatalogUpdates(
                name: "shop", folder: folder.url.appendingPathComponent("updates"), bundled: bundled,
                keys: [UpdateSite.key], highest: other,
                fetch: site.publishing(statement(number: number, delta: true)).fetch, check: holdsByDigest)
        }
        _ = try await device(7).update()
        try clear()  // as a system clears caches
        #expect(await failure { _ = try await device(6).update() }?.kind == .refused)
        guard case .updated = try await device(7).update() else {
            Issue.record("no update")
            return
        }
        #expect(try String(contentsOf: other, encoding: .utf8) == "7")
    }
}

private final class Counter: @unchecked Sendable {
    private let lock = NSLock()
    private var met = 0

    var count: Int { lock.withLock { met } }

    @discardableResult
    func add() -> Int {
        lock.withLock {
            met += 1
            return met
        }
    }
}
