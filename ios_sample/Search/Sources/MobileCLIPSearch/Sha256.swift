import Foundation

#if canImport(CryptoKit)
    import CryptoKit

    /// The digest of what `feed` gives, piece by piece: 64 lower-case hex digits.
    func sha256(_ feed: (_ give: (Data) -> Void) throws -> Void) rethrows -> String {
        var hash = SHA256()
        try feed { hash.update(data: $0) }
        return hex(hash.finalize())
    }
#else
    /// The digest of what `feed` gives, piece by piece: 64 lower-case hex digits.
    func sha256(_ feed: (_ give: (Data) -> Void) throws -> Void) rethrows -> String {
        var hash = Sha256()
        try feed { hash.update($0) }
        return hex(hash.finish())
    }
#endif

/// The digest of the parts, one after the other.
func sha256(_ parts: [Data]) -> String { sha256 { give in parts.forEach(give) } }

/// Hex digits of a digest.
let digestDigits = 64

/// Whether these are the 64 lower-case hex digits of a digest.
func isDigest(_ digits: some Collection<UInt8>) -> Bool {
    digits.count == digestDigits && digits.allSatisfy { hexDigits.contains($0) }
}

private let hexDigits = Array("0123456789abcdef".utf8)

private func hex(_ bytes: some Sequence<UInt8>) -> String {
    String(decoding: bytes.flatMap { [hexDigits[Int($0 >> 4)], hexDigits[Int($0 & 15)]] }, as: UTF8.self)
}

/// SHA-256 (FIPS 180-4), for platforms without CryptoKit.
struct Sha256 {
    private static let blockBytes = 64
    // Of the cube roots of the first 64 primes, the first 32 bits after the point.
    private static let constants: [UInt32] = [
        0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
        0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
        0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
        0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
        0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
        0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
        0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
        0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
    ]

    // Of the square roots of the first 8 primes.
    private var state: [UInt32] = [
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
    ]
    private var waiting: [UInt8] = []  // less than a block
    private var bits: UInt64 = 0

    mutating func update(_ data: Data) {
        bits &+= 8 * UInt64(data.count)
        data.withUnsafeBytes { bytes in
            var rest = bytes[...]
            if !waiting.isEmpty {
                let taken = rest.prefix(Self.blockBytes - waiting.count)
                waiting += taken
                rest = rest.dropFirst(taken.count)
                guard waiting.count == Self.blockBytes else { return }
                waiting.withUnsafeBytes { compress($0) }
                waiting = []
            }
            let whole = rest.count / Self.blockBytes * Self.blockBytes
            compress(UnsafeRawBufferPointer(rebasing: rest.prefix(whole)))
            waiting = Array(rest.dropFirst(whole))
        }
    }

    /// The 32 bytes of the digest.
    mutating func finish() -> [UInt8] {
        let length = bits.bigEndian
        waiting.append(0x80)
        let used = (waiting.count + 8) % Self.blockBytes
        waiting += Array(repeating: 0, count: (Self.blockBytes - used) % Self.blockBytes)
        withUnsafeBytes(of: length) { waiting += $0 }
        waiting.withUnsafeBytes { compress($0) }
        return state.flatMap { word in withUnsafeBytes(of: word.bigEndian, Array.init) }
    }

    /// Whole blocks.
    private mutating func compress(_ blocks: UnsafeRawBufferPointer) {
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { schedule in
            Self.constants.withUnsafeBufferPointer { constants in
                for start in stride(from: 0, to: blocks.count, by: Self.blockBytes) {
                    for index in 0..<16 {
                        schedule[index] = UInt32(
                            bigEndian: blocks.loadUnaligned(fromByteOffset: start + 4 * index, as: UInt32.self))
                    }
                    for index in 16..<64 {
                        let (near, far) = (schedule[index - 2], schedule[index - 15])
                        let first = rotated(far, 7) ^ rotated(far, 18) ^ far >> 3
                        let second = rotated(near, 17) ^ rotated(near, 19) ^ near >> 10
                        schedule[index] = schedule[index - 16] &+ first &+ schedule[index - 7] &+ second
                    }
                    round(schedule, constants)
                }
            }
        }
    }

    private mutating func round(
        _ schedule: UnsafeMutableBufferPointer<UInt32>, _ constants: UnsafeBufferPointer<UInt32>
    ) {
        var (a, b, c, d) = (state[0], state[1], state[2], state[3])
        var (e, f, g, h) = (state[4], state[5], state[6], state[7])
        for index in 0..<64 {
            let turned = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)
            let first = h &+ turned &+ (e & f ^ ~e & g) &+ constants[index] &+ schedule[index]
            let second = (rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) &+ (a & b ^ a & c ^ b & c)
            (h, g, f, e, d, c, b, a) = (g, f, e, d &+ first, c, b, a, first &+ second)
        }
        for (index, word) in [a, b, c, d, e, f, g, h].enumerated() { state[index] &+= word }
    }

    private func rotated(_ word: UInt32, _ by: UInt32) -> UInt32 { word >> by | word << (32 - by) }
}
