/// A product's record enters, as it stands in a catalog; the texts of the fields that are asked for leave (FORMATS.md,
/// Words and keys).
struct RecordTexts {
    private let members: [(name: String, value: Json)]

    /// Throws ``Malformed`` for anything but a JSON object.
    init(_ utf8: [UInt8]) throws {
        members = try Json.members(utf8)
    }

    /// Of a field one text, or those of a list, each once; equal are those of the same bytes. Numbers, true and false are as
    /// they are written; null, an object, and a list or an object in a list have none.
    func texts(_ field: String) -> [String] {
        guard let value = members.last(where: { sameBytes($0.name, field) })?.value else { return [] }
        let items = if case .array(let items) = value { items } else { [value] }
        var met: Set<[UInt8]> = []
        return items.compactMap(Self.text).filter { !$0.isEmpty && met.insert(Array($0.utf8)).inserted }
    }

    /// Of several fields, one after the other.
    func texts(_ fields: [String]) -> [String] { fields.flatMap { texts($0) } }

    private static func text(_ value: Json) -> String? {
        switch value {
        case .text(let text), .number(let text): text
        case .bool(let bool): String(bool)
        case .array, .object, .written, .null: nil
        }
    }
}
