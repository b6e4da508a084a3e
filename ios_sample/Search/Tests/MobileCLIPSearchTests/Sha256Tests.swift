import Foundation
import Testing

@testable import MobileCLIPSearch

struct Sha256Tests {
    private func own(_ parts: [[UInt8]]) -> [UInt8] {
        var hash = Sha256()
        for part in parts { hash.update(Data(part)) }
        return hash.finish()
    }

    @Test func theStandardsExamplesHaveTheirDigests() {
        #expect(
            sha256([Data("abc".utf8)]) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(sha256([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(
            sha256([Data(repeating: UInt8(ascii: "a"), count: 1_000_000)])
                == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }

    @Test func theDigestDoesNotDependOnWhereTheBytesAreCut() {
        for length in 0..<200 {
            let bytes = (0..<length).map { UInt8($0) }
            for cut in [0, 1, 55, 63, 64, 65, 128] where cut <= length {
                #expect(own([Array(bytes[..<cut]), [], Array(bytes[cut...])]) == own([bytes]))
            }
        }
    }
}
