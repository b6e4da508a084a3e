/// Writing systems: whether a query is in one that the model was not trained on.
public enum WritingSystems {
    /// The scripts of the letters of `text` that are not among `known` (``ModelManifest/TextSpec/scripts``), each once, in their
    /// order. A letter of a script that few people write is of "another script".
    public static func unknown(in text: String, known: Set<String>) -> [String] {
        var found: [String] = []
        for scalar in text.unicodeScalars {
            guard let index = letters.rangeIndex(of: scalar.value) else { continue }
            let name = ranges[index].script
            if !known.contains(name), !found.contains(name) { found.append(name) }
        }
        return found
    }

    private static let letters = CodePointSet(ranges.map(\.points))

    private static let ranges = parsed(scriptRanges)

    /// Ranges of letters, ascending, and their scripts. `table` has lines of a script's name, a colon, and code points
    /// or ranges of them in hex digits.
    private static func parsed(_ table: String) -> [(points: ClosedRange<UInt32>, script: String)] {
        var ranges: [(points: ClosedRange<UInt32>, script: String)] = []
        for line in table.split(separator: "\n") {
            let parts = line.split(separator: ":")
            for range in parts[1].split(separator: " ") {
                let ends = range.split(separator: "-").compactMap { UInt32($0, radix: 16) }
                ranges.append((ends[0]...ends[ends.count - 1], String(parts[0])))
            }
        }
        return ranges.sorted { $0.points.lowerBound < $1.points.lowerBound }
    }
}
