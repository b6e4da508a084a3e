/// The cleaning of a text by the steps that an asset of version 2 names, one after the other; FORMATS.md says what each
/// does. Reads of CLIP's tables those that the steps need.
struct CleaningSteps: Sendable {
    private enum Step: String, CaseIterable {
        case fix, unhtml, spaces, lower, decompose, strike, drop, unmark, isolate, punctuate, map

        /// Which of CLIP's tables the step reads.
        var tables: [String] {
            switch self {
            case .fix:
                [
                    "fold", "removed", "decimals", "decompositions", "combining", "compositions", "charrefs", "html",
                    "html_shouted",
                ]
            case .unhtml: ["charrefs", "html"]
            case .spaces: ["spaces"]
            case .lower: ["lower", "cased", "case_ignorable"]
            case .decompose: ["decompositions", "combining"]
            default: []
            }
        }
    }

    private static let space = UInt32.ascii(" ")
    private static let underscore = UInt32.ascii("_")

    private let steps: [@Sendable (CodePoints) throws -> CodePoints]

    /// Throws ``Malformed`` for an unknown step, and for a table that is missing or damaged.
    init(_ container: Container) throws {
        let written = try container.text("steps")
        let named = written.isEmpty ? [] : written.split(separator: " ", omittingEmptySubsequences: false)
        let steps = try named.map { name in
            guard let step = Step(rawValue: String(name)) else {
                let known = Step.allCases.map(\.rawValue).joined(separator: ", ")
                throw Malformed("unknown step in steps: expected \(known), found \(shown(String(name)))")
            }
            return step
        }
        let tensors = AssetTensors(container: container)
        let tables = try TextTables(tensors, needed: Set(steps.flatMap(\.tables)))
        let clean = TextClean(tables)
        self.steps = try steps.map { try Self.work($0, tensors, clean) }
    }

    /// The text after every step. Throws ``Malformed`` where damaged tables would go on for ever.
    func clean(_ text: String) throws -> CodePoints {
        let typed = CodePoints(text)
        return try steps.reduce(typed) { text, step in
            let made = try step(text)
            try TextClean.checkGrowth(made.count, from: typed.count)
            return made
        }
    }

    private static func work(
        _ step: Step, _ tensors: AssetTensors, _ clean: TextClean
    ) throws -> @Sendable (CodePoints) throws -> CodePoints {
        switch step {
        case .fix: return clean.fix
        case .unhtml: return clean.html.unescapeLeniently
        case .spaces: return clean.foldWhiteSpace
        case .lower: return clean.lower
        case .decompose: return clean.normalForm.decompose
        case .map: return try CharacterMap(tensors).map
        case .strike:
            let struck = try tensors.set("struck")
            return { text in text.map { $0 == underscore ? space : $0 }.filter { $0 == space || !struck.contains($0) } }
        case .drop: return without(try tensors.set("dropped"))
        case .unmark: return without(try tensors.set("marks"))
        case .isolate: return apart(try tensors.set("isolated"))
        case .punctuate: return apart(try tensors.set("punctuation"))
        }
    }

    private static func without(_ gone: CodePointSet) -> @Sendable (CodePoints) -> CodePoints {
        { text in text.filter { !gone.contains($0) } }
    }

    private static func apart(_ isolated: CodePointSet) -> @Sendable (CodePoints) -> CodePoints {
        { text in text.flatMap { isolated.contains($0) ? [space, $0, space] : [$0] } }
    }
}
