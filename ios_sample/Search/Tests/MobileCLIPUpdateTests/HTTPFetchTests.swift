import Foundation
import MobileCLIPSearch
import MobileCLIPUpdate
import Testing

/// SITE names the server of tests/update_server.py; without it the tests of a server do not run.
private let site = ProcessInfo.processInfo.environment["SITE"].flatMap { URL(string: $0) }

struct HTTPFetchTests {
    private func fetched(_ path: String, from: Int = 0) async throws -> (start: Int, bytes: Data) {
        let download = try await HTTPFetch(try #require(site)).fetch(path, from)
        var bytes = Data()
        while let block = try await download.next() { bytes += block }
        return (download.start, bytes)
    }

    @Test func httpIsForTheDeviceItselfAlone() throws {
        for good in ["https://shop.example/a/", "http://localhost:80/", "http://127.0.0.1/", "http://[::1]:8000/"] {
            _ = try HTTPFetch(try #require(URL(string: good)))
        }
        for bad in ["http://shop.example/", "ftp://localhost/", "file:///a", "http://localhost.shop.example/", "a"] {
            let address = try #require(URL(string: bad))
            #expect(throws: SearchError.self) { try HTTPFetch(address) }
        }
    }

    @Test(.enabled(if: site != nil))
    func aFileComesWholeOrFromAPlaceOn() async throws {
        let (start, whole) = try await fetched("large")
        #expect(start == 0 && whole.count == 5_000_000 && whole[4_999_999] == UInt8(4_999_999 % 251))
        let (from, rest) = try await fetched("large", from: 4_000_001)
        #expect(from == 4_000_001 && rest == whole[4_000_001...])
        let (end, nothing) = try await fetched("large", from: 5_000_000)  // the server's 416
        #expect(end == 5_000_000 && nothing.isEmpty)
        let (again, all) = try await fetched("without-ranges", from: 10)
        #expect(again == 0 && all.count == 1_000)
    }

    @Test(.enabled(if: site != nil))
    func aFileThatEndsTooEarlyFailsOrEnds() async throws {
        let download = try await HTTPFetch(try #require(site)).fetch("cut", 0)
        var count = 0
        do {
            while let block = try await download.next() { count += block.count }
        } catch {
            #expect(error is URLError)
        }
        #expect(count == 500)
    }

    @Test(.enabled(if: site != nil), arguments: ["none", "elsewhere", "elsewhere-port"])
    func aMissingFileAndARedirectElsewhereFail(path: String) async throws {
        await #expect(throws: (any Error).self) { try await fetched(path) }
    }

    @Test(.enabled(if: site != nil))
    func aRedirectToTheSameServerIsFollowed() async throws {
        #expect(try await fetched("moved").bytes.count == 1_000)
    }

    @Test(.enabled(if: site != nil))
    func aServerThatIsNotThereFails() async throws {
        let nobody = try HTTPFetch(try #require(URL(string: "http://127.0.0.1:9/")))
        await #expect(throws: (any Error).self) { try await nobody.fetch("a", 0) }
    }

    @Test(.enabled(if: site != nil))
    func aCancelledFetchEnds() async throws {
        let task = Task {
            let download = try await HTTPFetch(try #require(site)).fetch("slow", 0)
            _ = try await download.next()
            withUnsafeCurrentTask { $0?.cancel() }
            return try await download.next()
        }
        let block = try? await task.value
        #expect(block == nil)
    }
}

#if canImport(CryptoKit)
    struct P256CheckTests {
        @Test func goldenSignaturesHoldAndOthersDoNot() throws {
            let package = (0..<3).reduce(URL(fileURLWithPath: #filePath)) { url, _ in url.deletingLastPathComponent() }
            let folder = package.appendingPathComponent("../../parity/goldens/updates").standardizedFileURL
            let lines = try String(contentsOf: folder.appendingPathComponent("key.txt"), encoding: .utf8)
            let keys = try lines.split(separator: "\n").map { try UpdateKey(String($0)) }
            let bytes = try Data(contentsOf: folder.appendingPathComponent("shop.update"))
            _ = try UpdateStatement.read(bytes, keys: keys, check: holds)
            for place in [0, 63, 64, bytes.count - 1] {
                var changed = bytes
                changed[place] ^= 1
                #expect(throws: UpdateError.self) { try UpdateStatement.read(changed, keys: keys, check: holds) }
            }
            #expect(throws: UpdateError.self) { try UpdateStatement.read(bytes, keys: [keys[1]], check: holds) }
        }
    }
#endif
