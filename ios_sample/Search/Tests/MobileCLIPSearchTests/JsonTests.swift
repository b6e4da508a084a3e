import Foundation
import Testing

@testable import MobileCLIPSearch

struct JsonTests {
    /// The parser calls itself, and a phone's smaller threads have 512 KiB: half of that must do, even without `-c release`.
    @Test func theDeepestTextFitsTheStackOfASmallThread() async {
        let text = String(repeating: #"{"a":["#, count: 49) + "1" + String(repeating: "]}", count: 49)
        let isRead = await withCheckedContinuation { continuation in
            let thread = Thread { continuation.resume(returning: (try? Json.parse(text.utf8, once: true)) != nil) }
            thread.stackSize = 256 << 10
            thread.start()
        }
        #expect(isRead)
        #expect(throws: Malformed.self) { try Json.parse("[[[\(text)]]]".utf8, once: true) }
    }

    @Test func numbersAndEscapesAreReadAsTheyAreWritten() throws {
        let text = #"{"n":[-0.10,1E+2],"s":"\ud83d\udc57\n\u00e9/\/\ud83d","t":true,"z":null}"#
        let members = try Json.parse(text.utf8, once: true).asObject("it")
        #expect(members["n"] == .array([.number("-0.10"), .number("1E+2")]))
        #expect(members["s"] == .text("👗\né//\u{FFFD}"))
        #expect(members["t"] == .bool(true) && members["z"] == .null)
    }
}
