/// The step `map`: a precompiled character map of sentencepiece, as the tokenizers library applies it, by clusters.
///
/// The map is a double array of keys, each with a text. A short cluster that begins with a key is replaced as a whole;
/// other clusters go character by character.
struct CharacterMap: Sendable {
    private static let whole = 6  // bytes of UTF-8: a shorter cluster is looked up as a whole
    private static let leaf: UInt32 = 1 << 31  // of a unit that holds a value
    private static let label: UInt32 = 0xFF
    private static let hasValue: UInt32 = 1 << 8

    private let units: Column<UInt32>
    private let texts: Column<UInt8>  // the values, UTF-8, each with a 0 at its end
    private let extends: CodePointSet  // characters that continue a cluster
    private let prepends: CodePointSet  // characters that the next one joins
    private let unmarked: CodePointSet  // characters that are a cluster by themselves

    /// Throws ``Malformed`` where a walk could leave the two tensors.
    init(_ tensors: AssetTensors) throws {
        units = try tensors.container.column("charsmap_units", "U32", [Container.any], of: UInt32.self)
        texts = try tensors.container.column("charsmap_text", "U8", [Container.any], of: UInt8.self)
        extends = try tensors.set("extends")
        prepends = try tensors.set("prepends")
        unmarked = try tensors.set("unmarked")
        try wellFormed(units.count > 0 && units[0] & Self.leaf == 0, "charsmap_units do not begin with a node")
        try wellFormed(
            texts.count > 0 && texts[texts.count - 1] == 0, "charsmap_text does not end with the end of a value")
        try checkUTF8(texts, "charsmap_text")
        try units.withCells { units in
            for place in 0..<self.units.count { try check(place, units) }
        }
    }

    private func check(_ place: Int, _ units: Cells<UInt32>) throws {
        let unit = units[place]
        if unit & Self.leaf != 0 {
            let start = Int(unit & ~Self.leaf)
            try wellFormed(
                start < texts.count && !isContinuation(texts[start]),
                "charsmap_text has no value at byte \(start) of \(texts.count)")
            return
        }
        let child = Self.child(place, unit)
        try wellFormed(
            child | Int(Self.label) < self.units.count, "charsmap_units leads out of its units at number \(place)")
        try wellFormed(
            unit & Self.hasValue == 0 || units[child] & Self.leaf != 0,
            "charsmap_units leads to a value that is none at number \(place)")
    }

    /// The text with every cluster replaced. Throws ``Malformed`` where a damaged map would let it grow without end.
    func map(_ text: CodePoints) throws -> CodePoints {
        var found = CodePoints()
        found.reserveCapacity(text.count)
        var start = 0
        while start < text.count {
            let end = clusterEnd(text, start)
            replace(text[start..<end], &found)
            try TextClean.checkGrowth(found.count, from: text.count)
            start = end
        }
        return found
    }

    private func clusterEnd(_ text: CodePoints, _ start: Int) -> Int {
        var base = start
        while prepends.contains(text[base]), let next = text.at(base + 1), !unmarked.contains(next),
            !extends.contains(next)
        {
            base += 1
        }
        if unmarked.contains(text[base]) { return base + 1 }
        return text[(base + 1)...].firstIndex { !extends.contains($0) } ?? text.count
    }

    private func replace(_ cluster: ArraySlice<UInt32>, _ found: inout CodePoints) {
        let bytes = utf8(cluster)
        if bytes.count < Self.whole, let value = value(bytes) {
            found += value
        } else if cluster.count == 1 {
            found += cluster
        } else {
            for point in cluster { found += value(utf8([point])) ?? [point] }
        }
    }

    /// The text of the shortest key with which `key` begins; nil if there is none. A zero ends the search.
    private func value(_ key: [UInt8]) -> CodePoints? {
        units.withCells { units in
            var place = Self.child(0, units[0])
            for byte in key {
                place ^= Int(byte)
                let unit = units[place]
                if byte == 0 || unit & (Self.leaf | Self.label) != UInt32(byte) { return nil }
                place = Self.child(place, unit)
                if unit & Self.hasValue != 0 { return text(from: Int(units[place] & ~Self.leaf)) }
            }
            return nil
        }
    }

    private func text(from start: Int) -> CodePoints {
        texts.withCells { texts in
            var end = start
            while texts[end] != 0 { end += 1 }  // the last byte is 0
            return CodePoints(String(decoding: (start..<end).map { texts[$0] }, as: UTF8.self))
        }
    }

    /// Where the children of a node begin: a child is at this place xor its label; a value is at the place itself.
    private static func child(_ place: Int, _ unit: UInt32) -> Int {
        place ^ Int(unit >> 10) << Int((unit & 1 << 9) >> 6)
    }
}
