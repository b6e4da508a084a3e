import Foundation

#if _endian(big)
    #error("the files are little-endian, and are read here as they lie in memory")
#endif

/// Maps a file as memory that is only read.
///
/// A file in use is replaced by renaming another to its name, never written in place or cut.
func mapped(_ file: URL) throws -> Data {
    do {
        return try Data(contentsOf: file, options: .alwaysMapped)
    } catch {
        throw unreadable(file, error)
    }
}

/// What the system says of a file that it cannot read.
func unreadable(_ file: URL, _ error: any Error) -> SearchError {
    let problem = "it cannot be read: \(oneLine(error))"
    let isMissing = (error as? CocoaError)?.code == .fileReadNoSuchFile
    return isMissing
        ? .missingFile(name: file.path, problem: problem) : .badFile(name: file.path, problem: problem)
}

/// An error of the system, in one line.
func oneLine(_ error: any Error) -> String {
    error.localizedDescription.split(whereSeparator: \.isNewline).joined(separator: " ")
}

/// Numbers that lie one after the other in a mapped file.
struct Column<Element: BitwiseCopyable & Sendable>: Sendable {
    private let file: Data
    private let start: Int
    let count: Int

    /// `bytes` lie within the file: whole elements from its first byte on.
    init(_ file: Data, _ bytes: Range<Int>) {
        precondition(bytes.lowerBound >= 0 && bytes.upperBound <= file.count)
        self.file = file
        start = bytes.lowerBound
        count = bytes.count / MemoryLayout<Element>.size
    }

    subscript(index: Int) -> Element {
        precondition(index >= 0 && index < count)
        return withCells { $0[index] }
    }

    /// A copy of some elements.
    subscript(range: Range<Int>) -> [Element] {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        return withCells { cells in range.map { cells[$0] } }
    }

    /// The bytes of some elements, as they lie in the file.
    func withBytes<R>(_ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        let width = MemoryLayout<Element>.size
        return try withCells { cells in
            try body(UnsafeRawBufferPointer(start: cells.base + range.lowerBound * width, count: range.count * width))
        }
    }

    /// For loops: what `body` is given must neither leave it nor be read beyond `count`.
    func withCells<R>(_ body: (Cells<Element>) throws -> R) rethrows -> R {
        try file.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { preconditionFailure("an empty file has no columns") }
            return try body(Cells(base: base + start))
        }
    }
}

/// The elements of a column, without a check of the place.
struct Cells<Element: BitwiseCopyable> {
    let base: UnsafeRawPointer

    subscript(index: Int) -> Element {
        base.loadUnaligned(fromByteOffset: index &* MemoryLayout<Element>.size, as: Element.self)
    }
}
